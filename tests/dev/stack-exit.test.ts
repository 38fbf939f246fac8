/** `npm run dev` leaves nothing behind, however it ends. */
import assert from "node:assert/strict";
import { freePort } from "../../packages/dev/ports.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { isRunning } from "./support/edge.ts";
import { ownProject } from "./support/own-project.ts";
import { descendantsOf } from "../support/processes.ts";
import { eventually } from "../support/eventually.ts";

interface Dev {
  pid: number;
  apiUrl: string;
  output: () => string;
  kill(signal: Deno.Signal): Promise<Deno.CommandStatus>;
}

async function startDev(ports: { api: number; db: number }, project: string[]): Promise<Dev> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "scripts/dev.ts", ...project, "--ports", `${ports.api},${ports.db}`],
    cwd: projectRoot,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const read = [child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  });
  let ended = false;
  void child.status.then(() => ended = true);
  const kill = async (signal: Deno.Signal) => {
    if (!ended) child.kill(signal);
    await Promise.all(read);
    return await child.status;
  };
  try {
    const isReady = () => /^Ready after/m.test(output);
    await eventually("the stack is ready, or has ended", () => isReady() || ended);
    assert.ok(isReady(), "it has ended");
  } catch (error) {
    await kill("SIGKILL");
    throw new Error(`Cannot start dev: it printed ${output}`, { cause: error });
  }
  const apiUrl = /API URL: (\S+)/.exec(output)?.[1] ?? "";
  return { pid: child.pid, apiUrl, output: () => output, kill };
}

/** Starts a worker, so that there is one that could be left behind. */
async function useFunction(dev: Dev): Promise<void> {
  const response = await fetch(`${dev.apiUrl}/functions/v1/run-jobs`, { method: "POST" });
  await response.body?.cancel();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} ends every process of the stack`, async () => {
    await using project = await ownProject();
    const ports = { api: freePort(), db: freePort() };
    const dev = await startDev(ports, project.options);
    assert.equal(dev.apiUrl, `http://127.0.0.1:${ports.api}`);
    await useFunction(dev);
    const children = await descendantsOf(dev.pid);
    assert.ok(children.some(({ command }) => command.includes("run-jobs/index.ts")));
    assert.ok(children.some(({ command }) => command.includes("postgrest")));

    const whileRunning = dev.output().length;
    await dev.kill(signal);
    const lines = dev.output().slice(whileRunning).trim().split("\n");
    assert.equal(lines.at(-1), "Stopped");
    // Postgres ends after those that use it.
    assert.deepEqual(lines.filter((line) => /ENOENT|ECONNREFUSED|error/i.test(line)), []);
    // A moment later: esbuild's service ends when it sees that nobody can ask it any more.
    await eventually(
      "every process has ended",
      () => children.every(({ pid }) => !isRunning(pid)),
    );
    assert.deepEqual([freePort(ports.api), freePort(ports.db)], [ports.api, ports.db]);
  });
}

Deno.test("after a kill -9 the next start works, ends what the killed one left, and has its users", async () => {
  await using project = await ownProject();
  const ports = { api: freePort(), db: freePort() };
  const killed = await startDev(ports, project.options);
  await useFunction(killed);
  const children = await descendantsOf(killed.pid);
  await killed.kill("SIGKILL");

  const next = await startDev(ports, project.options);
  try {
    await eventually(
      "the leftovers have ended",
      () => children.every(({ pid }) => !isRunning(pid)),
    );
    const [before, after] = [killed, next].map(({ output }) =>
      /Password: (\S+)/.exec(output())?.[1]
    );
    assert.ok(before);
    assert.equal(after, before);
  } finally {
    await next.kill("SIGINT");
  }
});
