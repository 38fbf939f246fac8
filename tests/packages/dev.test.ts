/**
 * packages/dev as an adopter has it: packed, in a project made by `supabase init` and `durable-responses init`, without
 * anything else of this repository. The examples of docs/testing.md run there, and `durable-responses dev`.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { freePort } from "../../packages/dev/ports.ts";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { runProcess, startProcess } from "../../packages/dev/processes.ts";
import { isRunning } from "../dev/support/edge.ts";
import { eventually } from "../support/eventually.ts";
import { descendantsOf } from "../support/processes.ts";
import {
  adopterForFile,
  cli,
  cliArguments,
  environment,
  startDev,
  startDevBy,
} from "./support/adopter.ts";
import { ask, instructionsSeen, jobsIn, notes } from "./support/ask-dev.ts";

const theProject = adopterForFile();

/** The code blocks of the page that follow a comment with this file's name. */
function examplesOf(text: string): string[] {
  const marked = /<!-- run by tests\/packages\/dev\.test\.ts -->\n+```ts\n([\s\S]*?\n)```/g;
  return [...text.matchAll(marked)].map(([, example = ""]) => example);
}

Deno.test("the examples of docs/testing.md pass in an adopter's project, types included", async () => {
  const { folder, read, write } = theProject();
  const page = await Deno.readTextFile(join(projectRoot, "docs/testing.md"));
  const [, theirs] =
    /<!-- supabase\/functions\/_shared\/profiles\.ts, .*-->\n+```ts\n([\s\S]*?\n)```/
      .exec(page) ?? [];
  const examples = examplesOf(page);
  assert.ok(theirs !== undefined && examples.length === 2, `${examples.length} examples`);
  const profiles = "functions/_shared/profiles.ts";
  const before = await read(profiles);
  await Deno.mkdir(join(folder, "tests"), { recursive: true });
  for (const [index, example] of examples.entries()) {
    await Deno.writeTextFile(join(folder, "tests", `example-${index + 1}.test.ts`), example);
  }
  await write(profiles, theirs);
  try {
    const { stdout } = await runProcess({
      name: "deno test",
      command: findDeno(),
      args: ["test", "-A", "--node-modules-dir=manual", "tests"],
      cwd: folder,
      env: environment(),
    });
    assert.match(stdout, /2 passed \| 0 failed/);
  } finally {
    await write(profiles, before);
  }
  await checkFaults(folder, page);
});

/** The page's list of faults fits the types. */
async function checkFaults(folder: string, page: string): Promise<void> {
  const [, faults] = /```ts\n(faults: \[\n[\s\S]*?\n\],\n)```/.exec(page) ?? [];
  assert.ok(faults !== undefined);
  const file = join(folder, "tests", "faults.ts");
  await Deno.writeTextFile(
    file,
    `import type { StackOptions } from "durable-responses-dev";\nexport const options: StackOptions = {\n${faults}};\n`,
  );
  await runProcess({
    name: "deno check",
    command: findDeno(),
    args: ["check", "--node-modules-dir=manual", file],
    cwd: folder,
    env: environment(),
  });
}

Deno.test("dev runs the project and its seeds, reloads what changes, and keeps what there is", async () => {
  const { folder, read, write } = theProject();
  const data = await Deno.makeTempDir({ prefix: "dev-data-" });
  await Deno.chmod(data, 0o711);
  const ports = `${freePort()},${freePort()}`;
  await write("migrations/20991230000000_notes.sql", "create table public.notes (id int);");
  await write("seed.sql", "insert into public.notes values (1);");
  await write("more.sql", "insert into public.notes values (2), (no_such_column);");
  const config = await read("config.toml");
  const seeds = 'sql_paths = ["./seed.sql"]';
  assert.ok(config.includes(seeds), config);
  await write("config.toml", config.replace(seeds, 'sql_paths = ["./seed.sql", "./more.sql"]'));
  try {
    const first = await startDev(folder, "--data", data, "--ports", ports);
    try {
      assert.match(
        first.output(),
        /^\[migrations\] Cannot run supabase\/more\.sql: ERROR: column/m,
      );
      assert.deepEqual(await notes(first), [1]);
      await write("more.sql", "insert into public.notes values (2);");
      await eventually(
        "the profiles are checked",
        () => /^\[dev\] profiles: ok \('default'\)$/m.test(first.output()),
      );
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
      const { job, value } = await ask(folder, "Hello [[plan: cal send]]");
      assert.equal(job.status, "failed");
      assert.equal(value("MAILBOX_MCP_URL"), first.find(/Mailbox MCP: (\S+)/));
      assert.match(first.output(), /^\[openai\] Cannot read the step 'cal send': it must begin/m);
      await write("functions/_shared/words.ts", 'export const hi = "hi";');
      await write(
        "functions/hello/index.ts",
        'import { hi } from "../_shared/words.ts"; Deno.serve(() => new Response(hi));',
      );
      await eventually(
        "a new function is there",
        () => /^\[dev\] .*changed: reloaded .*hello.*$/m.test(first.output()),
      );
      let before = first.output().length;
      await write("functions/_shared/words.ts", 'export const hi = "hello";');
      await eventually(
        "what uses the file is reloaded",
        () => first.output().slice(before).includes("words.ts changed: reloaded "),
      );
      assert.match(first.output().slice(before), /words\.ts changed: reloaded hello$/m);
      before = first.output().length;
      await write("functions/hello/index.ts", 'import "./none.ts";');
      await eventually(
        "a function that cannot be loaded is named",
        () => /but hello cannot be loaded: .*none\.ts/m.test(first.output().slice(before)),
      );
      await write("functions/hello/index.ts", "Deno.serve(() => new Response());");
      await eventually(
        "it can be loaded again",
        () => first.output().slice(before).includes("reloaded hello"),
      );
      assert.doesNotMatch(first.output().slice(before), /profiles: ok again/);
      before = first.output().length;
      await Deno.remove(join(folder, "supabase", "functions", "hello"), { recursive: true });
      await eventually(
        "a function that was removed is gone",
        () =>
          /^\[dev\] supabase\/functions\/hello is gone: requests to it get 404$/m.test(
            first.output(),
          ),
      );
      await write("migrations/ideas.sql", "create table public.ideas (id int);");
      await eventually(
        "a file that is no migration is named",
        () => /^\[dev\] ideas\.sql is not applied: /m.test(first.output()),
      );
      assert.doesNotMatch(first.output().slice(before), /reloaded/);
      await Deno.remove(join(folder, "supabase", "migrations", "ideas.sql"));
      await write("migrations/20991231000000_more.sql", "create table public.more (id int);");
      await eventually(
        "the migration is applied",
        () => /^\[migrations\] Applied 20991231000000_more\.sql/m.test(first.output()),
      );
    } finally {
      await first.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    }
    const mailbox = /Mailbox MCP: (\S+)/;
    const port = Number(new URL(first.find(mailbox)).port);
    const isFree = freePort(port) === port;
    const second = await startDev(folder, "--data", data, "--ports", ports);
    try {
      if (isFree) assert.equal(second.find(mailbox), first.find(mailbox));
      const password = /Password: (\S+)/;
      assert.ok(first.find(password));
      assert.equal(second.find(password), first.find(password));
      assert.equal(await jobsIn(folder), 3);
      assert.match(
        second.output(),
        /^\[migrations\] Ran supabase\/more\.sql on the new database$/m,
      );
      assert.deepEqual(await notes(second), [1, 2]);
    } finally {
      await second.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    }
    const third = await startDev(folder, "--data", data, "--ports", ports, "--fresh");
    try {
      assert.notEqual(third.find(/Password: (\S+)/), first.find(/Password: (\S+)/));
      assert.equal(await jobsIn(folder), 0);
      assert.deepEqual(await notes(third), [1, 2]);
    } finally {
      await third.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("dev says after each change what is wrong with the profiles, and does not call reloaded what cannot be loaded", async () => {
  const { folder, read, write } = theProject();
  const data = await Deno.makeTempDir({ prefix: "dev-data-" });
  await Deno.chmod(data, 0o711);
  const profiles = "functions/_shared/profiles.ts";
  const fine = await read(profiles);
  const dev = await startDev(folder, "--data", data, "--ports", `${freePort()},${freePort()}`);
  let seen = 0;
  /** Writes profiles.ts. @returns the lines that dev prints until `last` */
  const change = async (text: string, last: RegExp) => {
    await write(profiles, text);
    const lines = () =>
      dev.output().slice(seen).split("\n").filter((line) => line.startsWith("[dev]"));
    await eventually(`dev says ${last}`, () => lines().some((line) => last.test(line)));
    const said = lines().join("\n");
    seen = dev.output().length;
    return said;
  };
  const reloaded = "[dev] supabase/functions/_shared/profiles.ts changed: reloaded ";
  try {
    await eventually("the start's check is done", () => /profiles: ok/.test(dev.output()));
    seen = dev.output().length;

    const unknown = await change(
      fine.replace("model:", "modell: 1, model:"),
      /wrong in supabase\/functions\/_shared\/profiles\.ts: 'default': A profile has no field 'modell' → Did you mean 'model'\?$/,
    );
    assert.ok(unknown.includes(reloaded), unknown);

    const broken = await change(`${fine}\nexport const = 1;\n`, /profiles\.ts changed, but/);
    assert.match(
      broken,
      /changed, but openai-webhook, respond, run-jobs cannot be loaded: SyntaxError: .+ at supabase\/functions\/_shared\/profiles\.ts:\d+:\d+$/m,
    );
    assert.ok(!broken.includes("reloaded"), broken);

    const missing = await change(`import "./nothing.ts";\n${fine}`, /changed, but .+nothing\.ts/);
    assert.ok(!missing.includes("reloaded"), missing);

    const throws = await change(
      `${fine}\nthrow new Error("on its own");\n`,
      /wrong in supabase\/functions\/_shared\/profiles\.ts: profiles\.ts cannot be loaded: Error: on its own/,
    );
    assert.ok(!throws.includes("reloaded"), throws);

    const again = await change(fine, /profiles: ok again \('default'\)$/);
    assert.ok(again.includes(reloaded), again);
  } finally {
    await write(profiles, fine);
    await dev.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    await Deno.remove(data, { recursive: true });
  }
});

for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129], ["SIGINT", 130]] as const) {
  Deno.test(`${signal} to the CLI ends the stack, also behind npm's wrapper of Deno`, async () => {
    const { folder } = theProject();
    const wrapper = join(projectRoot, "node_modules/deno/bin.cjs");
    const only = ["--openai-only", "--openai-port", String(freePort()), "--deno", wrapper];
    const dev = await startDev(folder, ...only);
    const children = await descendantsOf(dev.process.pid);
    assert.ok(children.some(({ command }) => command.includes("--openai-only")));
    await dev.process.stop({ signal, graceMs: 20_000 });
    assert.equal((await dev.process.exited).code, code);
    await eventually("nothing is left", () => children.every(({ pid }) => !isRunning(pid)));
  });
}

Deno.test("SIGTERM to npx, whose shell does not pass it on, ends the stack too", async () => {
  const { folder } = theProject();
  const bin = join(folder, "node_modules", ".bin");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.chmod(join(folder, "node_modules/durable-responses/dist/main.js"), 0o755);
  await Deno.symlink("../durable-responses/dist/main.js", join(bin, "durable-responses"));
  const only = ["--openai-only", "--openai-port", String(freePort())];
  const dev = await startDevBy(["npx", "durable-responses"], folder, ...only);
  const children = await descendantsOf(dev.process.pid);
  assert.ok(children.some(({ command }) => command.includes("--openai-only")));
  await dev.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
  await eventually("nothing is left", () => children.every(({ pid }) => !isRunning(pid)));
});

Deno.test("a second dev of a project is refused with who runs it, and the first one's env file stays", async () => {
  const { folder, read } = theProject();
  const folders = await Promise.all(
    [1, 2].map(async () => {
      const data = await Deno.makeTempDir({ prefix: "dev-data-" });
      await Deno.chmod(data, 0o711);
      return data;
    }),
  );
  const [data = "", other = ""] = folders;
  const ports = () => ["--ports", `${freePort()},${freePort()}`];
  const first = await startDev(folder, "--data", data, ...ports());
  try {
    const envPath = join(folder, "supabase/.env.durable-responses-dev.local");
    const env = await read(".env.durable-responses-dev.local");
    await assert.rejects(
      startDev(folder, "--data", other, ...ports()),
      /Cannot run the project: another dev runs it already \(process \d+\)\. To stop it, press Ctrl-C in its terminal, or run: kill \d+\n/,
    );
    assert.equal(await read(".env.durable-responses-dev.local"), env);
    const { checks } = JSON.parse(await cli(folder, "doctor", "--json", "--secrets-file", envPath));
    const webhook = checks.find(({ check }: { check: string }) => check === "webhook");
    assert.equal(webhook.message, "takes a signed event, refuses a forged one");
    const pid = Number(/^# process (\d+)$/m.exec(env)?.[1]);
    assert.ok((await descendantsOf(first.process.pid)).some((child) => child.pid === pid));
    // As the refusal says.
    Deno.kill(pid, "SIGTERM");
    await first.process.exited;
    await (await startDev(folder, "--data", other, ...ports())).process.stop({
      signal: "SIGTERM",
      graceMs: 20_000,
    });
  } finally {
    await first.process.stop({ signal: "SIGTERM", graceMs: 20_000 });
    for (const each of folders) await Deno.remove(each, { recursive: true });
  }
});

Deno.test("the console for a project elsewhere is served on this machine, with its name for respond", async () => {
  const { folder } = theProject();
  const [port, projectPort] = [freePort(), freePort()];
  let output = "";
  const process = startProcess({
    name: "durable-responses console",
    command: "node",
    args: [
      ...cliArguments(folder),
      "console",
      "--url",
      `http://127.0.0.1:${projectPort}/`,
      "--port",
      String(port),
      "--deno",
      findDeno(),
    ],
    cwd: folder,
    env: environment({ SUPABASE_PUBLISHABLE_KEY: "sb_publishable_x" }),
    onLine: (line) => output += `${line}\n`,
  });
  try {
    await eventually("the console is there", () => /^Console: /m.test(output));
    const url = /Console: (\S+)/.exec(output)?.[1] ?? "";
    const page = await fetch(url);
    assert.match(await page.text(), /<title>Durable responses<\/title>/);
    const config = await (await fetch(`${url}config.js`)).text();
    assert.match(config, /"publishableKey":"sb_publishable_x","functionName":"respond"/);
    // Nothing listens there: the call was passed on.
    const passedOn = await fetch(`${url}rest/v1/response_jobs`);
    await passedOn.body?.cancel();
    assert.equal(passedOn.status, 502);
  } finally {
    await process.stop();
  }
  await assert.rejects(
    cli(folder, "console", "--url", "foo", "--key", "x"),
    /'foo' as the project's URL/,
  );
});

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
    await eventually(
      "the fault is in the log",
      () => /^\[openai\] POST \/v1\/responses → 429 \(rate-limited\)$/m.test(dev.output()),
    );
  } finally {
    await dev.process.stop();
  }
});
