/** `doctor --smoke` on a whole stack, with nothing broken, and with each part broken in turn. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { isLong } from "../support/long.ts";
import { type Front, stackForFile } from "../support/stack.ts";
import { packageForFile } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

/** What respond sends to run-jobs is lost while it is cut; cron's own way does not go by here. */
class CuttableFront implements Front {
  target = "";
  cut = false;
  readonly #server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    if (this.cut && pathname === "/functions/v1/run-jobs") {
      return new Response("cut", { status: 503 });
    }
    return fetch(`${this.target}${pathname}${search}`, request);
  });
  readonly url = `http://127.0.0.1:${this.#server.addr.port}`;
  stop = () => this.#server.shutdown();
}

const profiles = fileURLToPath(new URL("support/smoke-profiles.ts", import.meta.url));
const front = new CuttableFront();
Deno.test.afterAll(() => front.stop());
const thePackage = packageForFile();
const theStack = stackForFile({
  profiles,
  frontOfSupabase: front,
});

const resultSchema = z.object({
  checks: z.array(z.object({
    check: z.string(),
    status: z.enum(["ok", "warn", "wrong", "skipped"]),
    message: z.string(),
    fix: z.string().optional(),
  })),
});
const paths = [
  "background, webhook",
  "background, polling",
  "fallback, nudge",
  "fallback, cron",
  "tool call, guard",
  "clean-up",
];

/** What the smoke test found, by path. */
async function smoke(waitS: number, cwd = "/", env: Record<string, string> = {}) {
  const { stack, sql } = theStack();
  const { stdout, stderr } = await thePackage().run(
    [
      "doctor",
      "--json",
      "--smoke",
      "--smoke-model",
      "gpt-6-luna",
      "--smoke-wait",
      String(waitS),
    ],
    { cwd, env: { SUPABASE_URL: stack.apiUrl, SUPABASE_SECRET_KEY: stack.secretKey, ...env } },
  );
  assert.equal(stderr, "");
  const { checks } = resultSchema.parse(JSON.parse(stdout));
  const found = checks.filter(({ check }) => paths.includes(check));
  assert.deepEqual(found.map(({ check }) => check), paths);
  // Whatever was broken, nothing of it is left.
  const [left] = await sql`select count(*)::int as jobs from public.response_jobs`;
  assert.equal(left?.["jobs"], 0);
  return (name: string) => {
    const one = found.find(({ check }) => check === name) ?? assert.fail(name);
    return `${one.status} ${one.message}${one.fix === undefined ? "" : ` → ${one.fix}`}`;
  };
}

Deno.test("a project where all is well: each path with its time and tokens, and nothing is left behind", async () => {
  // In the project's folder, on a machine with a Deno: a profile there has a harmless tool.
  await using project = await supabaseProject();
  await thePackage().run(["init", "--yes"], { cwd: project.folder });
  await project.write(
    "functions/_shared/profiles.ts",
    (await Deno.readTextFile(profiles)).replace(/"[^"]*mod\.ts"/, `"../_durable_responses/mod.ts"`),
  );
  const sent = theStack().stack.mailbox.sent.length;
  const found = await smoke(60, project.folder, {
    PATH: `${dirname(findDeno())}:${Deno.env.get("PATH")}`,
    DENO_TLS_CA_STORE: "mozilla,system",
  });
  assert.match(
    found("tool call, guard"),
    /^ok [\d.]+ s, 'gmail_find_email' was called once, \d+ tokens$/,
  );
  assert.equal(theStack().stack.mailbox.sent.length, sent);
  assert.match(found("background, webhook"), /^ok [\d.]+ s, \d+ tokens$/);
  assert.match(found("background, polling"), /^ok [\d.]+ s, no new tokens$/);
  assert.match(found("fallback, nudge"), /^ok [\d.]+ s, \d+ tokens$/);
  assert.match(found("fallback, cron"), /^ok [\d.]+ s, began after [\d.]+ s, \d+ tokens$/);
  assert.match(found("clean-up"), /^ok /);
});

const broken = { ignore: !isLong };

Deno.test("a webhook that does not come is told from a slow answer", broken, async () => {
  const { openai } = theStack();
  openai.webhooks.faults.add({ kind: "lose" });
  try {
    const found = await smoke(60);
    assert.match(
      found("background, webhook"),
      /^wrong the answer came by the poll .* → .*webhooks/,
    );
    assert.match(found("background, polling"), /^ok /);
  } finally {
    openai.webhooks.faults.clear();
  }
});

Deno.test(
  "a wake-up of respond's that is lost: cron finds the job, and it is said",
  broken,
  async () => {
    front.cut = true;
    try {
      const found = await smoke(60);
      assert.match(found("fallback, nudge"), /^wrong a worker began after .* when cron woke it/);
      assert.match(found("fallback, cron"), /^ok /);
    } finally {
      front.cut = false;
    }
  },
);

Deno.test("cron that is switched off, and a secret in Vault that is another", broken, async () => {
  const { sql } = theStack();
  await sql`update cron.job set active = false where jobname = 'durable-responses-wake'`;
  const off = await smoke(12).finally(() =>
    sql`update cron.job set active = true where jobname = 'durable-responses-wake'`
  );
  assert.match(off("background, webhook"), /^ok /);
  assert.match(off("fallback, cron"), /^wrong still queued after 12\.0 s\. cron: .* is disabled/);

  const [secret] = await sql<{ id: string; value: string }[]>`
    select id, decrypted_secret as value from vault.decrypted_secrets where name = 'durable_responses_worker_secret'`;
  if (!secret) throw new Error("Cannot break Vault's secret: there is none");
  await sql`select vault.update_secret(${secret.id}, 'another, and long enough')`;
  try {
    const found = await smoke(12);
    assert.match(
      found("fallback, cron"),
      /^wrong still queued after 12\.0 s\. the wake-up: run-jobs refuses the secret in Vault → .*connect/,
    );
    assert.match(found("fallback, nudge"), /^ok /);
  } finally {
    await sql`select vault.update_secret(${secret.id}, ${secret.value})`;
  }
});

Deno.test(
  "OpenAI that fails background is worked around, and said; a key that it refuses is wrong",
  broken,
  async () => {
    const { openai } = theStack();
    openai.faults.add({ kind: "background-fails", match: { background: true } });
    try {
      const found = await smoke(60);
      assert.match(found("background, webhook"), /^warn OpenAI did not finish it in background/);
      assert.match(found("background, polling"), /^skipped /);
      assert.match(found("fallback, nudge"), /^ok /);
    } finally {
      openai.faults.clear();
    }
    openai.faults.add({ kind: "http-error", status: 401 });
    try {
      const found = await smoke(60);
      assert.match(found("fallback, nudge"), /^wrong the job failed: openai_auth_failed/);
    } finally {
      openai.faults.clear();
    }
  },
);
