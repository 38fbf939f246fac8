/** `doctor` and `connect` on a whole stack, first intact and then broken. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { z } from "zod";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { forFile } from "../support/for-file.ts";
import { makeDue } from "../support/job-state.ts";
import { stackForFile } from "../support/stack.ts";
import { packageForFile } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = packageForFile();
const theStack = stackForFile();
const theProject = forFile(async (parts) => parts.use(await supabaseProject()));

const resultSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({
    check: z.string(),
    status: z.enum(["ok", "warn", "wrong", "skipped"]),
    message: z.string(),
    fix: z.string().optional(),
  })),
});

function run(args: string[], env: Record<string, string> = {}) {
  const { apiUrl, secretKey, webhookSecret } = theStack().stack;
  return thePackage().run(args, {
    cwd: theProject().folder,
    env: {
      SUPABASE_URL: apiUrl,
      SUPABASE_SECRET_KEY: secretKey,
      OPENAI_WEBHOOK_SECRET: webhookSecret,
      ...openaiOf(theStack().stack),
      ...env,
    },
  });
}

/** The variables with which functions reach the stand-in. */
function openaiOf({ openai }: Stack): Record<string, string> {
  if (!openai) throw new Error("Cannot ask about models: the stack has no stand-in");
  return { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.url };
}

/** `doctor --json`, by check. */
async function examine(env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await run(["doctor", "--json"], env);
  assert.equal(stderr, "");
  const { ok, checks } = resultSchema.parse(JSON.parse(stdout));
  assert.equal(code, ok ? 0 : 1);
  const byName = new Map(checks.map((check) => [check.check, check]));
  return (name: string) => byName.get(name) ?? assert.fail(`there is no check '${name}'`);
}

Deno.test("a project where all is well: every check is ok, one line each", async () => {
  const stack = theStack().stack;
  stack.cron.pause();
  assert.equal((await thePackage().run(["init", "--yes"], { cwd: theProject().folder })).code, 0);
  // As if these functions had been deployed from this folder.
  const profiles = new URL("../../supabase/functions/_shared/profiles.ts", import.meta.url);
  await theProject().write("functions/_shared/profiles.ts", await Deno.readTextFile(profiles));
  await stack.cron.runJob("durable-responses-wake");
  const { code, stdout } = await run(["doctor"], {
    // There is a Deno on this machine, which checks the profiles.
    PATH: `${dirname(findDeno())}:${Deno.env.get("PATH")}`,
    DENO_TLS_CA_STORE: "mozilla,system",
    MAILBOX_MCP_URL: stack.mailbox.url,
    MAILBOX_MCP_TOKEN: "set",
  });
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.at(-1), "All is well.");
  assert.deepEqual(lines.slice(0, -2).filter((line) => !/^ok {5} /.test(line)), []);
  const quickstart = await Deno.readTextFile(new URL("../../docs/quickstart.md", import.meta.url));
  const sample = quickstart.split("```").find((block) => block.includes("ok      project files")) ??
    "";
  const shown = sample.split("\n").filter((line) => /^ok {5} /.test(line));
  const nameIn = (line: string) => line.slice(8, 23).trim();
  assert.deepEqual(shown.map(nameIn), lines.slice(0, -2).map(nameIn));
  assert.equal(code, 0);
});

Deno.test("a wrong key and a wrong webhook secret are told apart from the rest", async () => {
  const found = await examine({
    SUPABASE_SECRET_KEY: "sb_secret_of_another_project",
    OPENAI_WEBHOOK_SECRET: "whsec_b3RoZXI=",
  });
  assert.match(found("database").message, /does not accept this key as a secret key/);
  assert.match(found("respond").message, /does not accept this secret key/);
  assert.match(
    found("webhook").message,
    /refuses an event signed with your OPENAI_WEBHOOK_SECRET \(invalid_signature\)/,
  );
  assert.match(found("webhook").fix ?? "", /^with dev, source the env file that it printed/);
  assert.equal(found("run-jobs").status, "ok");
  assert.equal(found("wake").status, "skipped");
});

Deno.test("what is no webhook's secret is said, and stops no other check", async () => {
  for (const secret of ["foo", "whsec_b3RoZXI", "sk-proj-abcdefgh", "whsec_"]) {
    const found = await examine({ OPENAI_WEBHOOK_SECRET: secret });
    const { status, message, fix } = found("webhook");
    assert.equal(status, "wrong", secret);
    assert.match(message, /is not a webhook's secret: it must be whsec_ followed by base64/);
    assert.match(fix ?? "", /copy it again, all of it/);
    assert.equal(found("run-jobs").status, "ok");
  }
  const { webhookSecret } = theStack().stack;
  const found = await examine({ OPENAI_WEBHOOK_SECRET: `${webhookSecret}, whsec_b3RoZXI=` });
  assert.equal(found("webhook").status, "ok");
});

Deno.test("everything that can be broken in the database is found at once, each with a way to fix it", async () => {
  const stack = theStack().stack;
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    await sql`select vault.update_secret(id, 'not what the function has') from vault.secrets where name = 'durable_responses_worker_secret'`;
    await sql`update cron.job set active = false where jobname = 'durable-responses-wake'`;
    await sql`update supabase_migrations.schema_migrations set name = 'another' where name = 'durable_responses'`;
    await sql`insert into net._http_response (id, error_msg) values (-1, 'Timeout was reached')`;
    const [job] = await sql`select public.enqueue_response_job('hello') as id`;
    await makeDue(sql, String(job?.["id"]), new Date(Date.now() - 10 * 60_000));
    const [route] = await sql`select route from public.response_routes limit 1`;
    await sql`update public.response_routes set breaker = 'open', probe_at = now(), last_failure = 'openai_server_error' where route = ${
      route?.["route"]
    }`;
    const found = await examine();
    for (
      const [check, status, message] of [
        ["wake", "wrong", /run-jobs refuses the secret in Vault/],
        ["cron", "wrong", /durable-responses-wake is disabled/],
        ["migrations", "wrong", /not applied: durable_responses/],
        ["pg_net", "warn", /failed \(from all senders\)\. The last one: /],
        ["jobs", "wrong", /one has been due for 6\d\d s/],
        ["routes", "warn", /background mode is skipped on 1 route, such as .*openai_server_error/],
      ] as const
    ) {
      const { fix, ...seen } = found(check);
      assert.equal(seen.status, status, check);
      assert.match(seen.message, message);
      assert.ok(fix, check);
    }
  } finally {
    await sql`update cron.job set active = true`;
    await sql.end();
  }
});

Deno.test("a schema that the functions do not fit is said, and what to do", async () => {
  const sql = theStack().stack.database.connect("supabase_admin", "postgres", { max: 1 });
  const raise = (major: number) =>
    sql.unsafe(`
      create or replace function public.response_schema_version() returns jsonb
      language sql immutable set search_path = '' as $$ select jsonb_build_object('major', ${major}, 'minor', 0) $$`);
  try {
    await raise(2);
    const { status, message, fix } = (await examine())("schema");
    assert.equal(status, "wrong");
    assert.match(message, /^version 2\.0, but the functions need 1: .*schema_mismatch/);
    assert.match(fix ?? "", /init, then deploy the functions/);
  } finally {
    await raise(1);
    await sql.end();
  }
});

Deno.test("profiles.ts is compared with what the functions have registered", async () => {
  const project = theProject();
  const file = "functions/_shared/profiles.ts";
  const before = await project.read(file);
  try {
    await project.write(
      file,
      `export const profiles = defineProfiles({ default: { model: "gpt-6-luna" }, news: { model: "gpt-5" } });\n`,
    );
    const found = await examine();
    assert.equal(found("profiles").status, "warn");
    assert.match(
      found("profiles").message,
      /^'news' only in profiles\.ts here, 'mail', .* only in the deployed functions$/,
    );
    assert.match(found("models").message, /^'gpt-5' (shuts|was shut) down on 2026-12-11$/);
    await project.write(
      file,
      `export const profiles = defineProfiles({ default: { model: "no-such", prompt: { id: "pmpt_1" } } });\n`,
    );
    const prompted = await examine();
    assert.equal(prompted("profiles").status, "wrong");
    assert.match(prompted("profiles").message, /'default' has a 'prompt'.*\(stored_prompt\)/);
    assert.equal(prompted("models").message, "'no-such' is not listed");
  } finally {
    await project.write(file, before);
  }
});

Deno.test("names are registered by doctor where no function has done it, and a job in SQL may then name no other", async () => {
  const sql = theStack().stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    await sql`delete from durable_responses.profiles`;
    // It wakes no function, because Vault has another secret by now.
    assert.match((await examine())("profiles").message, /^'default', 'mail', 'triage' registered/);
    await assert.rejects(
      async () => await sql`select public.enqueue_response_job('hello', 'unheard-of')`,
      /the deployed functions have no such profile/,
    );
  } finally {
    await sql`delete from durable_responses.profiles`;
    await sql.end();
  }
});

Deno.test("connect refuses a secret that the functions do not have, and stores nothing", async () => {
  const { code, stderr } = await run(["connect"], {
    DURABLE_RESPONSES_WORKER_SECRET: "made up, but long enough",
  });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /run-jobs has a different DURABLE_RESPONSES_WORKER_SECRET; nothing was stored\n.*→ With dev there is nothing to do/,
  );
  assert.equal((await examine())("wake").status, "wrong");
});

Deno.test("connect puts the right values into Vault, and the database wakes the worker again", async () => {
  const { code, stdout, stderr } = await run(["connect"], {
    DURABLE_RESPONSES_WORKER_SECRET: theStack().stack.workerSecret,
  });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /ok: the database reaches run-jobs, and both have the same secret/);
  const message = "the database reaches run-jobs, and both have the same secret";
  // The folder has the secret that init made for the hosted project: it says nothing about this one.
  const { fix: _, ...seen } = (await examine())("wake");
  assert.deepEqual(seen, { check: "wake", status: "ok", message });
});

Deno.test("a worker secret of yours is compared with the project's", async () => {
  const wakeWith = async (secret: string) =>
    (await examine({ DURABLE_RESPONSES_WORKER_SECRET: secret }))("wake");
  assert.deepEqual(await wakeWith(theStack().stack.workerSecret), {
    check: "wake",
    status: "ok",
    message: "the database reaches run-jobs; its secret, that of run-jobs and yours are the same",
  });
  assert.deepEqual(await wakeWith("made up, but long enough"), {
    check: "wake",
    status: "warn",
    message:
      "the database reaches run-jobs, but your DURABLE_RESPONSES_WORKER_SECRET is not the project's",
    fix: "unset it here: dev has its own",
  });
});

Deno.test("what init left half-way, and what was changed by hand, is said", async () => {
  const project = theProject();
  await project.write("functions/_durable_responses/platform/log.ts", "// mine\n");
  const config = await project.read("config.toml");
  await project.write(
    "config.toml",
    config.replace(
      "[functions.run-jobs]\nverify_jwt = false",
      "[functions.run-jobs]\nverify_jwt = true",
    ),
  );
  const changed = await examine();
  assert.match(
    changed("project files").message,
    /1 file changed since the release, such as supabase\/functions\/_durable_responses\/platform\/log\.ts/,
  );
  assert.match(
    changed("config.toml").message,
    /\[functions\.run-jobs\] verify_jwt must be false: it is true/,
  );
  await project.write(".temp/durable-responses-init/journal.json", "[]");
  assert.match((await examine())("project files").message, /an init was interrupted/);
});

Deno.test("a smoke test of a profile that does not exist is refused before anything is checked", async () => {
  const { code, stdout, stderr } = await run(["doctor", "--smoke", "--smoke-profile", "nope"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(
    stderr,
    /^Error: Cannot run jobs with the profile 'nope': .*\n {2}→ The profiles are '/,
  );
});

Deno.test("an anonymous or signed-in caller may not call what doctor and connect call", async () => {
  const { apiUrl, publishableKey, createUser } = theStack().stack;
  const { token } = await createUser();
  for (
    const headers of [{ apikey: publishableKey }, {
      apikey: publishableKey,
      authorization: `Bearer ${token}`,
    }]
  ) {
    for (const name of ["response_doctor", "probe_response_worker", "connect_response_worker"]) {
      const body = name === "connect_response_worker"
        ? { p_project_url: "http://x", p_worker_secret: "x".repeat(20) }
        : {};
      const answer = await fetch(`${apiUrl}/rest/v1/rpc/${name}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      assert.ok([401, 403].includes(answer.status), `${name}: ${answer.status}`);
      await answer.body?.cancel();
    }
  }
});
