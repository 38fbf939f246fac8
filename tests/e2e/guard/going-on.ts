/** A background run that asks, gets its answers, and continues in background. */
import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { begin, createsSince, ofAttempt, query, sentInAll, works } from "./mail.ts";

/** A failure that says that it came before any call. */
const failsBefore: Fault = {
  kind: "background-fails",
  match: ofAttempt(3),
  message: "Error retrieving tool list from MCP server: 'mailbox'",
};

export function testGoingOn(theStack: () => TestStack): void {
  Deno.test("a guarded background run sends one email, and never leaves background", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    begin(theStack(), [works]);
    const from = openai.requests.length;
    const { id } = await submit(fresh("mail"), query);
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", null]);
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous continued",
      "background completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
    const [first, second, ...more] = createsSince(theStack(), from);
    assert.deepEqual(more, []);
    assert.deepEqual([first?.["background"], second?.["background"]], [true, true]);
    assert.equal(typeof second?.["previous_response_id"], "string");
    assert.deepEqual(
      [...Object(second)["input"]].map(({ type, approve }) => [type, approve]),
      [["mcp_approval_response", true]],
    );
    await assertOneRun(theStack(), id);
  });

  Deno.test("an API that takes no previous response is told the same as items", async () => {
    const { submit, fresh, finished, sql } = theStack();
    const refuses = { kind: "http-error", status: 400, match: ofAttempt(3), times: 1 } as const;
    begin(theStack(), [refuses, works]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous continued",
      "background completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
    await assertOneRun(theStack(), id);
  });

  Deno.test("one that will not have it in background any more: the run goes on in its worker", async () => {
    const { submit, fresh, finished, sql } = theStack();
    begin(theStack(), [
      { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
      works,
    ]);
    const { id } = await submit(fresh("mail"), query);
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_unsupported"]);
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
    await assertOneRun(theStack(), id);
  });

  Deno.test("a route whose background fails by now: the run goes on in its worker", async () => {
    const { submit, fresh, finished, sql } = theStack();
    begin(theStack(), [failsBefore, works]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous continued",
      "background failed mcp_unavailable",
      "synchronous completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
    await assertOneRun(theStack(), id);
  });

  Deno.test("a route whose background fails after each yes is skipped after three of them", async () => {
    const { submit, fresh, finished } = theStack();
    begin(theStack(), [failsBefore, works]);
    const profile = fresh("mail");
    const reasons = [];
    for (let sent = 1; sent <= 4; sent++) {
      const { id } = await submit(profile, query);
      const { status, fallback_reason: why } = await finished(id);
      assert.equal(status, "completed");
      reasons.push(why);
      assert.equal(await sentInAll(theStack()), sent);
    }
    const fails = "mcp_unavailable";
    assert.deepEqual(reasons, [fails, fails, fails, "background_skipped"]);
  });

  Deno.test("after a person's yes, too, the run goes on in background", async () => {
    const { submit, ask, fresh, finished, sql } = theStack();
    begin(theStack(), [works]);
    const { id } = await submit(fresh("asking"), query);
    await eventually(
      "the question",
      () => readJob(sql, id),
      ({ status }) => status === "awaiting_approval",
    );
    assert.equal(theStack().stack.mailbox.sent.length, 0);
    await ask({ path: `/${id}/approve`, body: { approve: true } });
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background suspended",
      "synchronous continued",
      "background completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("what the model wants twice in one run is made twice, as in a synchronous one", async () => {
    const { submit, fresh, finished } = theStack();
    begin(theStack(), [works]);
    const twice = `[[plan: ${findEmail("invoice")}; ${replyToEmail("It is paid.")}; ${
      replyToEmail("It is paid.")
    }]] Reply twice`;
    const { id } = await submit(fresh("mail"), twice);
    const { status } = await finished(id);
    assert.equal(status, "completed");
    assert.equal(await sentInAll(theStack()), 2);
  });
}

/** Callers do not see the questions between us and OpenAI. The usage is that of all parts. */
async function assertOneRun({ sql, ask }: TestStack, id: string): Promise<void> {
  const { body } = await ask({ path: `/${id}` });
  const output: { type: string; approval_request_id?: string | null }[] = Object(body)["output"];
  assert.deepEqual(output.filter(({ type }) => type.startsWith("mcp_approval")), []);
  const calls = output.filter(({ type }) => type === "mcp_call");
  assert.equal(calls.length, 2);
  assert.deepEqual(calls.map((call) => call.approval_request_id ?? null), [null, null]);
  assert.equal(output.at(-1)?.type, "message");
  const open = await sql`
    select from public.response_steps where job_id = ${id} and status in ('started', 'waiting', 'uncertain')`;
  assert.equal(open.length, 0);
}
