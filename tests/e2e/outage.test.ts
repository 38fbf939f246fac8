/** The database goes away and comes back: callers get a 503, never a 202 that is lost, and nothing accepted is lost. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { readJob, summarizeAttempts } from "../support/jobs.ts";
import { type Ask, onTestProfiles, stackForFile } from "../support/stack.ts";

const theStack = stackForFile({ ...onTestProfiles, durable: true });

Deno.test("while Postgres is down every request is 503 with Retry-After; then it works again", async () => {
  const { ask, submit, stack, user, sql, openai } = theStack();
  const { id } = await submit("plain", "hi", { wait: 20 });
  const creates = openai.counts().create;
  await stack.database.stop();
  try {
    const requests: Ask[] = [
      { body: { query: "hi" } },
      { body: { query: "hi" }, headers: { "idempotency-key": "1" } },
      { body: { query: "hi" }, token: stack.secretKey },
      { body: { query: "hi" }, token: user.legacyToken },
      { path: `/${id}` },
      { path: `/${id}/cancel`, method: "POST" },
      { path: `/${id}/retry`, method: "POST" },
    ];
    for (const request of requests) {
      const answer = await ask(request);
      assert.deepEqual([answer.status, answer.code], [503, "database_unavailable"]);
      assert.ok(Number(answer.headers.get("retry-after")) > 0);
    }
    assert.equal(openai.counts().create, creates, "OpenAI was called with no row");
  } finally {
    await stack.database.start();
  }
  const answer = await eventually(
    "an answer after the outage",
    () => submit("plain", "[[plan: text back again]]", { wait: 20 }),
    ({ status }) => status === 200,
  );
  assert.equal(answer.body.output_text, "back again");
  const [row] = await sql`select count(*)::int as count from public.response_jobs`;
  assert.equal(row?.["count"], 2, "refused requests left rows");
});

Deno.test("a result that comes while Postgres is down is written when it is back", async () => {
  const { submit, fresh, finished, stack, sql, openai } = theStack();
  const before = openai.counts().create_stream;
  const { id } = await submit(fresh("direct"), "[[plan: sleep 400ms; text kept]]");
  await eventually("its start", () => readJob(sql, id), ({ status }) => status === "running");
  await eventually("the stream", () => openai.counts().create_stream, (count) => count > before);
  await stack.database.stop();
  await openai.idle();
  await stack.database.start();
  const job = await finished(id);
  assert.deepEqual([job.status, job.output_text], ["completed", "kept"]);
  assert.deepEqual(await summarizeAttempts(sql, id), ["synchronous completed"]);
});

Deno.test("a response that OpenAI accepts while Postgres goes away is 202, and found by its webhook or poll", async () => {
  const { submit, fresh, finished, stack, openai } = theStack();
  const before = openai.counts().create_background;
  openai.faults.set([{ kind: "slow", ms: 400, times: 1 }]);
  const accepted = submit(fresh("plain"), "[[plan: sleep 1500ms; text found]]");
  await eventually("the create", () => openai.counts().create_background, (n) => n > before);
  await stack.database.stop();
  const answer = await accepted;
  await stack.database.start();
  openai.faults.clear();
  // Its row was written before, so the 202 is true.
  assert.equal(answer.status, 202);
  const job = await finished(answer.id);
  assert.deepEqual([job.status, job.output_text], ["completed", "found"]);
});
