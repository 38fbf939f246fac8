/** The request that has the yes is refused, or comes too late. It is sent at most once, and each refusal is read like that of another request. */
import assert from "node:assert/strict";
import { advance } from "../../support/job-state.ts";
import { eventually } from "../../support/eventually.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone } from "../background/at-openai.ts";
import { createBackground, raw, response } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { askedUnheard, continuedInBackground } from "./asked-unheard.ts";
import { begin, createsSince, ofAttempt, query, sentInAll, works } from "./mail.ts";

const refusal = (code: string, type = "invalid_request_error") => ({
  error: { type, code, param: null, message: "no" },
});

export function testRefusedYes(theStack: () => TestStack): void {
  Deno.test("a question that is heard after the deadline gets no yes", async () => {
    const { sql, wake } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    await sql`update durable_responses.waits set deadline = now() - interval '5 seconds' where job_id = ${id}`;
    await hear();
    await eventually("the end of waiting", async () => {
      await wake();
      return (await readJob(sql, id)).status === "failed";
    });
    assert.equal((await readJob(sql, id)).error_code, "deadline_exceeded");
    assert.equal(await sentInAll(theStack()), 0);
  });

  Deno.test("a deadline that passes while the yes is written: it is not sent, and the job fails", async () => {
    const { sql, submit, fresh, proxy, openai } = theStack();
    begin(theStack(), [{ kind: "background-unsupported", match: { background: true } }, works]);
    const from = openai.requests.length;
    let passed = false;
    proxy.intercept = async (path) => {
      if (path.endsWith("/claim_response_work")) {
        await sql`update durable_responses.waits set deadline = now() + interval '2 seconds'`;
      }
      if (path.endsWith("/save_response_steps") && createsSince(theStack(), from).length === 2) {
        await eventually("the deadline", async () => {
          const [row] =
            await sql`select bool_and(deadline < now()) as passed from durable_responses.waits`;
          passed = row?.["passed"] === true;
          return passed;
        });
      }
      return undefined;
    };
    try {
      const { id } = await submit(fresh("mail"), query);
      await eventually("the end", async () => (await readJob(sql, id)).status === "failed");
      assert.equal((await readJob(sql, id)).error_code, "deadline_exceeded");
      const steps = await sql`
        select status from public.response_steps where job_id = ${id} and kind = 'mcp_call' and effect = 'once'`;
      assert.deepEqual([passed, ...steps.map(({ status }) => status)], [true, "void"]);
    } finally {
      proxy.intercept = undefined;
    }
    // In background, and the request that was answered with the question.
    assert.equal(createsSince(theStack(), from).length, 2);
    assert.equal(await sentInAll(theStack()), 0);
  });

  Deno.test("a previous response that is not found, said in a 2xx: another form is sent", async () => {
    const { openai, sql, finished } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const body = refusal("previous_response_not_found");
    openai.faults.set([raw(ofAttempt(3), { body }, { times: 1 }), works]);
    await hear();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("a gateway's page that the request is too large: another form is sent", async () => {
    const { openai, sql, finished } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const page = { status: 413, type: "text/html", body: "<html>413 Request Entity Too Large" };
    openai.faults.set([raw(ofAttempt(3), page, { times: 1 }), works]);
    await hear();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("a quota that is used up, said in a 2xx: the job fails, and says so", async () => {
    const { openai, sql } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const body = refusal("insufficient_quota", "insufficient_quota");
    openai.faults.set([raw(ofAttempt(3), { body }, { times: 1 }), works]);
    await hear();
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, job.error_code], ["failed", "openai_quota_exceeded"]);
    const steps = await sql`
      select status from public.response_steps where job_id = ${id} and effect = 'once' and kind = 'mcp_call'`;
    assert.deepEqual(steps.map(({ status }) => status), ["void"]);
    assert.equal(await sentInAll(theStack()), 0);
  });

  Deno.test("a key that is wrong, said in a 2xx: the job fails, and says so", async () => {
    const { openai } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    openai.faults.set([raw({}, { body: refusal("invalid_api_key") }), works]);
    await hear();
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, job.error_code], ["failed", "openai_auth_failed"]);
    assert.equal(await sentInAll(theStack()), 0);
  });

  Deno.test("a rate limit: the yes is taken back, and sent when the wait has passed", async () => {
    const { openai, sql } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const from = openai.requests.length;
    const limited = {
      status: 429,
      headers: { "retry-after": "300" },
      body: refusal("rate_limit_exceeded", "requests"),
    };
    openai.faults.set([raw(ofAttempt(3), limited, { times: 1 }), works]);
    await hear();
    await eventually("a job that waits", async () => (await readJob(sql, id)).failures === 1);
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "queued");
    assert.equal(createsSince(theStack(), from).length, 1);
    const [route] = await sql`
      select pause_reason from public.response_routes r
      where route = (select route from durable_responses.jobs where id = ${id}) and paused_until > now() + interval '4 minutes'`;
    assert.equal(route?.["pause_reason"], "openai_rate_limited");
    await advance(sql, id, 301_000);
    assert.equal((await settledInTime(theStack(), id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous failed openai_rate_limited",
      "synchronous continued",
      "background completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("a refusal that the response's own webhook contradicts: no other form is sent", async () => {
    const { openai, sql, proxy, finished } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const from = openai.requests.length;
    const refused = { status: 400, body: refusal("invalid_value") };
    openai.faults.set([raw(ofAttempt(3), refused, { runs: true, times: 1 }), works]);
    // Between two forms, the refusal of the first is recorded.
    proxy.intercept = async (path) => {
      if (!path.endsWith("/warn_response_attempt")) return undefined;
      await eventually("its end", async () => (await readJob(sql, id)).status === "completed");
      return undefined;
    };
    try {
      await hear();
      assert.equal((await finished(id)).status, "completed");
      await functionsAreDone(theStack());
    } finally {
      proxy.intercept = undefined;
    }
    assert.equal(createsSince(theStack(), from).length, 1);
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("refused, and what was asked is too large to be sent again: the call was not made, and the job fails", async () => {
    const { sql, submit, fresh } = theStack();
    const body = "x".repeat(1_500_000);
    const request = {
      type: "mcp_approval_request",
      id: "mcpr_1",
      server_label: "mailbox",
      name: "gmail_reply_to_email",
      arguments: JSON.stringify({ message_id: "msg-1041", body }),
    };
    // OpenAI knows no such response, and so refuses to continue from it.
    const asked = { ...response("completed", [request]), id: `resp_${crypto.randomUUID()}` };
    begin(theStack(), [raw(createBackground, { body: asked }, { times: 1 }), works]);
    const { id } = await submit(fresh("mail"), query);
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, job.error_code], ["failed", "checkpoint_too_large"]);
    const steps = await sql`
      select status from public.response_steps where job_id = ${id} and kind = 'mcp_call'`;
    assert.deepEqual(steps.map(({ status }) => status), ["void"]);
    assert.equal(await sentInAll(theStack()), 0);
  });
}
