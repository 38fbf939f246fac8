/** What functions and database know about profiles: their names, their limits, and fields that are no longer allowed. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { startStack } from "../../packages/dev/stack.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";

const theStack = forFile(async (parts) => {
  const stack = await startStack({
    durable: false,
    profiles: fileURLToPath(new URL("./profiles/profiles.ts", import.meta.url)),
  });
  parts.defer(() => stack.stop());
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 2 });
  parts.defer(() => sql.end());
  return { stack, sql };
});

async function ask(body: unknown): Promise<{ status: number; answer: Record<string, unknown> }> {
  const { functionsUrl, secretKey } = theStack().stack;
  const response = await fetch(`${functionsUrl}/respond`, {
    method: "POST",
    headers: { apikey: secretKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

async function countJobs(): Promise<number> {
  const [row] = await theStack().sql`select count(*)::int as n from durable_responses.jobs`;
  return row?.["n"];
}

Deno.test("a whole request with a stored prompt is refused with the way out, and leaves nothing behind", async () => {
  const before = await countJobs();
  const { status, answer } = await ask({ request: { prompt: { id: "pmpt_1" }, input: "hi" } });
  assert.equal(status, 400);
  assert.deepEqual(answer, {
    error: {
      code: "stored_prompt",
      message:
        "Cannot use this request: it has a 'prompt', but OpenAI's stored prompts end on 2026-11-30",
      hint:
        "Copy the prompt's text into `instructions`, and put the values of its variables into the input",
    },
  });
  assert.equal(await countJobs(), before);
  const nothing = await ask({ request: { model: "gpt-6-luna", prompt: null, input: "hi" } });
  assert.equal(nothing.status, 202);
});

Deno.test("a profile with a stored prompt is refused, and a job of it that is queued already fails with the same code", async () => {
  const before = await countJobs();
  const { status, answer } = await ask({ profile: "stored", query: "hi" });
  assert.equal(status, 400);
  assert.match(JSON.stringify(answer), /"stored_prompt".*profile 'stored'/);
  assert.equal(await countJobs(), before);

  const { sql, stack } = theStack();
  const [job] = await sql`select public.enqueue_response_job('hi', 'stored') as id`;
  await stack.cron.runJob("durable-responses-wake");
  const row = await eventually(
    "the job's end",
    async () =>
      (await sql`select status, error_code, error_hint from public.response_jobs where id = ${
        job?.["id"]
      }`)[0],
    (row) => row?.["status"] === "failed",
  );
  assert.equal(row?.["error_code"], "stored_prompt");
  assert.match(row?.["error_hint"], /into the profile's `instructions`/);
});

Deno.test("a profile that is wrong itself is a 500 of its own, which says where, and leaves nothing behind", async () => {
  const before = await countJobs();
  const { status, answer } = await ask({ query: "hi", profile: "shapeless" });
  assert.equal(status, 500);
  const { code, message, hint } = z.object({
    error: z.object({ code: z.string(), message: z.string(), hint: z.string() }),
  }).parse(answer).error;
  assert.equal(code, "invalid_profile");
  assert.match(message, /^Cannot use profile 'shapeless': .*properties\/note/);
  assert.match(hint, /durable-responses check/);
  assert.equal(await countJobs(), before);
});

Deno.test("a profile with a field that nobody knows is refused, and OpenAI is not asked", async () => {
  const [jobs, calls] = [await countJobs(), theStack().stack.openai?.counts().create];
  const { status, answer } = await ask({ query: "hi", profile: "typo" });
  assert.equal(status, 500);
  assert.match(
    JSON.stringify(answer),
    /"invalid_profile".*profile 'typo': A profile has no field 'instruction'.*Did you mean 'instructions'\?/,
  );
  assert.equal(await countJobs(), jobs);
  assert.equal(theStack().stack.openai?.counts().create, calls);
});

Deno.test("a job that was queued in SQL ends with the same code", async () => {
  const { sql, stack } = theStack();
  const [job] = await sql`select public.enqueue_response_job('hi', 'shapeless') as id`;
  await stack.cron.runJob("durable-responses-wake");
  const row = await eventually(
    "the job's end",
    async () =>
      (await sql`select status, error_code, error_hint from public.response_jobs where id = ${
        job?.["id"]
      }`)[0],
    (row) => row?.["status"] === "failed",
  );
  assert.equal(row?.["error_code"], "invalid_profile");
  assert.match(row?.["error_hint"], /^Fix the profile/);
});

Deno.test("a worker registers its profiles with its first claim, and a job in SQL may then name no other", async () => {
  const { sql, stack } = theStack();
  await ask({ query: "hi" });
  await stack.cron.runJob("durable-responses-wake");
  const names = await eventually(
    "the names",
    async () =>
      await sql<{ name: string }[]>`select name from durable_responses.profiles order by name`,
    (rows) => rows.length > 0,
  );
  assert.deepEqual(names.map(({ name }) => name), ["default", "shapeless", "stored", "typo"]);
  await assert.rejects(
    async () => await sql`select public.enqueue_response_job('hi', 'unheard-of')`,
    /the deployed functions have no such profile/,
  );
});

Deno.test("how long people are waited for is the profile's, for approvals and for reviews", async () => {
  const { answer } = await ask({ query: "hi" });
  const [row] = await theStack().sql`
    select approval_ms::int, review_ms::int from durable_responses.jobs where id = ${
    String(answer["id"])
  }`;
  assert.deepEqual({ ...row }, { approval_ms: 60_000, review_ms: 3_600_000 });
});
