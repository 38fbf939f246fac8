/** A module that cannot be loaded says nothing about a token or a profile. It is our failure, and may be temporary. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { supabase } from "../../supabase/functions/_durable_responses/platform/supabase.ts";
import { authForFile } from "./http/support/auth.ts";

const theAuth = authForFile();
const root = fileURLToPath(new URL("../../", import.meta.url));
const product = new URL("../../supabase/functions/_durable_responses/", import.meta.url).href;

const tellFailure = `.catch(({ code, status, message }) => ({ code, status, message }))`;

const asksWho = `
import { identifyCaller } from "${product}api/http/identify-caller.ts";
const headers = { authorization: "Bearer " + Deno.args[0] };
const answer = await identifyCaller(new Request("http://localhost", { headers }))${tellFailure};
console.log(JSON.stringify(answer));
`;

const plans = `
import * as z from "${product}model/zod.ts";
import { planFor, planOrFailure } from "${product}profiles/plan.ts";
const profiles = { p: { model: "m", output: z.object({ found: z.boolean() }) } };
const ask = { profile: "p", input: "Hi", request: null };
const asked = await planFor(profiles, ask)${tellFailure};
const accepted = await planOrFailure(profiles, ask)${tellFailure};
console.log(JSON.stringify([asked, accepted]));
`;

/** A function that has the environment that it needs, and what it logs and does after its answer. */
const asFunction = `
const set = {
  SUPABASE_URL: "http://127.0.0.1:9",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of-the-test"}',
  OPENAI_API_KEY: "openai-key-of-the-test",
  OPENAI_WEBHOOK_SECRET: "whsec_dGVzdA==",
  DURABLE_RESPONSES_WORKER_SECRET: "worker-secret-of-the-test",
};
for (const [name, value] of Object.entries(set)) Deno.env.set(name, value);
const logged = [];
const later = [];
console.error = console.info = (line) => logged.push(JSON.parse(line));
globalThis.EdgeRuntime = { waitUntil: (work) => later.push(work) };
const post = (headers, body) =>
  new Request("http://localhost/function", { method: "POST", headers, body });
`;

const receives = `
import { signWebhook } from "${
  new URL("../../packages/cli/src/doctor/sign-webhook.ts", import.meta.url).href
}";
import { openaiWebhook } from "${product}api/native/openai-webhook.ts";
${asFunction}
const body = JSON.stringify({ type: "response.completed", data: { id: "resp_1" } });
const handle = openaiWebhook({ profiles: {} });
const { status } = await handle(post(signWebhook(body, set.OPENAI_WEBHOOK_SECRET), body));
await Promise.all(later);
console.log(JSON.stringify([status, logged]));
`;

const wakesTwice = `
import { runJobs } from "${product}api/native/run-jobs.ts";
${asFunction}
const handle = runJobs({ profiles: {} });
const headers = { "x-worker-secret": set.DURABLE_RESPONSES_WORKER_SECRET };
const wake = async () => {
  const answer = await handle(post(headers, "{}"));
  await Promise.all(later);
  return [answer.status, (await answer.json()).worker];
};
console.log(JSON.stringify([await wake(), await wake(), logged]));
`;

const reads = `
import { respond } from "${product}api/native/respond.ts";
${asFunction}
const id = crypto.randomUUID();
const answer = await respond({ profiles: {} })(new Request("http://localhost/respond/" + id));
console.log(JSON.stringify([answer.status, await answer.json()]));
`;

/** What a program prints, in a process that looks for a module where there is none. */
async function printedWithout(module: string, program: string, args: string[] = []) {
  const folder = await Deno.makeTempDir({ prefix: "unloadable-" });
  try {
    const map = join(folder, "map.json");
    const imports = { [module]: join(folder, "none.mjs") };
    await Deno.writeTextFile(map, JSON.stringify({ imports }));
    await Deno.writeTextFile(join(folder, "program.ts"), program);
    const { stdout } = await runProcess({
      name: "program",
      command: findDeno(),
      args: [
        "run",
        "--quiet",
        "--no-check",
        "-A",
        `--import-map=${map}`,
        join(folder, "program.ts"),
        ...args,
      ],
      cwd: root,
      env: Deno.env.toObject(),
    });
    return JSON.parse(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("without supabase-js a token is neither good nor bad: 503", async () => {
  const token = await theAuth().known.sign();
  const { code, status, message } = await printedWithout("@supabase/supabase-js", asksWho, [token]);
  assert.deepEqual([code, status], ["database_unavailable", 503]);
  assert.match(message, /^Cannot load supabase-js/);
});

Deno.test("without the helper for schemas a profile is neither right nor wrong, and no job fails for it", async () => {
  for (const { code, status, message } of await printedWithout("openai/helpers/zod", plans)) {
    assert.deepEqual([code, status], ["internal_error", 500]);
    assert.match(message, /^Cannot load openai\/helpers\/zod/);
  }
});

Deno.test("a client that could not be made is made by who comes next", async () => {
  const { url } = theAuth();
  Deno.env.delete("SUPABASE_URL");
  try {
    await assert.rejects(supabase(), { code: "not_configured" });
  } finally {
    Deno.env.set("SUPABASE_URL", url);
  }
  assert.ok((await supabase()).auth);
});

Deno.test("a webhook is accepted before what settles it is loaded; if that fails, the log says so, and the poll is left", async () => {
  const [status, logged] = await printedWithout(`${product}jobs/settle-reported.ts`, receives);
  assert.equal(status, 200);
  assert.match(logged[0].message, /the poll will/);
  assert.match(logged[0].error, /none\.mjs/);
});

Deno.test("a wake-up whose worker cannot be loaded leaves its place to the next one", async () => {
  const edgeWorker = `${product}jobs/edge-worker.ts`;
  const [first, second, logged] = await printedWithout(edgeWorker, wakesTwice);
  assert.deepEqual([first[0], second[0]], [202, 202]);
  assert.notEqual(first[1], second[1]);
  assert.match(logged[0].error, /none\.mjs/);
  assert.equal(logged[0].worker, first[1]);
});

Deno.test("a job that cannot be read for lack of code may be read later: it is not said to be missing", async () => {
  const [status, { error }] = await printedWithout(`${product}api/native/job-actions.ts`, reads);
  assert.deepEqual([status, error.code], [500, "internal_error"]);
  assert.match(error.message, /^Cannot load job-actions\.ts/);
});
