/**
 * An earlier response in place of the one that has the yes: its id in answer to the create, or its body in answer to a poll. It
 * shows no call, and asks again. Nothing is sent twice.
 */
import assert from "node:assert/strict";
import type { z } from "zod";
import { flagsOf, passForBackground } from "../../support/job-state.ts";
import { eventually } from "../../support/eventually.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone } from "../background/at-openai.ts";
import {
  createStream,
  ended,
  message,
  raw,
  response,
  retrieve,
  stream,
} from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { type askedBody, askedUnheard, continuedInBackground } from "./asked-unheard.ts";
import { begin, createsSince, ofAttempt, query, sentInAll, works } from "./mail.ts";

export function testAnotherResponse(theStack: () => TestStack): void {
  /** Polls a few times, so that whatever a poll brings about has happened. */
  async function polled(id: string): Promise<void> {
    const { sql, wake } = theStack();
    for (let times = 0; times < 3; times++) {
      await passForBackground(sql, id, 31_000);
      await wake();
      await functionsAreDone(theStack());
    }
  }

  Deno.test("the yes is answered with the first response's id: its own webhook brings the result", async () => {
    const { openai, sql, finished } = theStack();
    const { id, first, hear } = await askedUnheard(theStack());
    const body = { ...response("queued", []), id: first };
    openai.faults.set([raw(ofAttempt(3), { body }, { runs: true, times: 1 }), works]);
    await hear();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("the yes is answered with an id that is nobody's: its own webhook brings the result", async () => {
    const { openai, sql, finished } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const nobody = `resp_${crypto.randomUUID().replaceAll("-", "")}`;
    // Late enough that the id was recorded.
    openai.webhooks.faults.set([{ kind: "delay", ms: 1_500 }]);
    const body = { ...response("queued", []), id: nobody };
    openai.faults.set([raw(ofAttempt(3), { body }, { runs: true, times: 1 }), works]);
    await hear();
    await eventually(
      "the record",
      () => readJob(sql, id),
      ({ response_id: recorded }) => recorded === nobody,
    );
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
    const cancels = openai.requests.filter(({ path }) => path.endsWith(`${nobody}/cancel`));
    assert.deepEqual(cancels, []);
  });

  Deno.test("a gateway has sent the request with the yes twice: the second call enters the ledger, and is flagged", async () => {
    const { openai, sql, finished, stack } = theStack();
    const { id, body, hear } = await askedUnheard(theStack());
    await hear();
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
    const request = body.output.find((item) => item["type"] === "mcp_approval_request");
    const call = {
      ...request,
      type: "mcp_call",
      id: "mcp_twin",
      output: "sent",
      error: null,
      status: "completed",
      approval_request_id: request?.["id"],
    };
    const twin = `resp_${crypto.randomUUID().replaceAll("-", "")}`;
    const metadata = { durable_responses_job_id: id, durable_responses_attempt: "3" };
    const shown = { ...response("completed", [call]), id: twin, metadata };
    openai.faults.set([raw(retrieve, { body: shown }), works]);
    for (let times = 0; times < 2; times++) {
      await openai.webhooks.send({ type: "response.completed", responseId: twin });
      await functionsAreDone(theStack());
    }
    assert.deepEqual((await flagsOf(sql, id)).map(({ code }) => code), ["late_call"]);
    const calls = await sql`
      select status from public.response_steps where job_id = ${id} and kind = 'mcp_call' and effect = 'once'`;
    assert.deepEqual(calls.map(({ status }) => status), ["finished", "finished"]);
    assert.equal((await readJob(sql, id)).status, "completed");
    assert.equal(stack.mailbox.sent.length, 1);
  });

  Deno.test("the yes is answered with an id that a finished job's response had: its webhook brings the result", async () => {
    const { openai, sql, submit, fresh, finished } = theStack();
    begin(theStack(), [works]);
    const old = await submit(fresh("plain"), "[[plan: text all done]]");
    await finished(old.id);
    const { response_id: taken } = await readJob(sql, old.id);
    const { id, body, hear } = await askedUnheard(theStack());
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const queued = { ...response("queued", []), id: taken };
    openai.faults.set([raw(ofAttempt(3), { body: queued }, { runs: true, times: 1 }), works]);
    await hear();
    await eventually("the record", () => readJob(sql, id), ({ attempt }) => attempt === 3);
    await openaiIsDone(theStack());
    await functionsAreDone(theStack());
    const request = body.output.find((item) => item["type"] === "mcp_approval_request");
    const call = { ...request, type: "mcp_call", id: "mcp_1", output: "sent", error: null };
    const made = { ...call, status: "completed", approval_request_id: request?.["id"] };
    const metadata = { durable_responses_job_id: id, durable_responses_attempt: "3" };
    const whole = { ...response("completed", [made, message("Sent.")]), id: taken, metadata };
    openai.faults.set([raw(retrieve, { body: whole }), works]);
    await openai.webhooks.send({ type: "response.completed", responseId: taken ?? "" });
    assert.equal((await finished(id)).output_text, "Sent.");
    openai.webhooks.faults.clear();
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("and if no webhook comes, a person decides", async () => {
    const { openai } = theStack();
    const { id, first, hear } = await askedUnheard(theStack());
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const body = { ...response("queued", []), id: first };
    openai.faults.set([raw(ofAttempt(3), { body }, { runs: true, times: 1 }), works]);
    await hear();
    await polled(id);
    assert.equal((await settledInTime(theStack(), id, 61_000)).status, "needs_review");
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("two jobs whose yes is answered with one id: none waits for the other's response", async () => {
    const { openai, sql, finished, stack } = theStack();
    const [one, two] = [await askedUnheard(theStack()), await askedUnheard(theStack())];
    assert.equal(stack.mailbox.sent.length, 0);
    const body = { ...response("queued", []), id: "resp_constant" };
    openai.faults.set([raw(ofAttempt(3), { body }, { runs: true }), works]);
    for (const { id, hear } of [one, two]) {
      await hear();
      await eventually(
        "the next attempt, before any lease expires",
        () => readJob(sql, id),
        ({ attempt }) => attempt === 3,
        { timeoutMs: 1_000 },
      );
    }
    // Whoever got the constant id first has a result, by a poll, or a question.
    assert.equal((await finished(two.id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, two.id), continuedInBackground);
    await openaiIsDone(theStack());
    assert.equal(await sentInAll(theStack()), 2);
  });

  const stale: Record<string, (body: z.infer<typeof askedBody>) => Record<string, unknown>> = {
    "as it is": (body) => body,
    "without metadata": (body) => ({ ...body, metadata: {} }),
    "without metadata, with another id": (body) => ({ ...body, metadata: {}, id: "resp_other" }),
    "without metadata and id": (body) => ({ ...body, metadata: null, id: null }),
  };
  for (const [name, change] of Object.entries(stale)) {
    Deno.test(`a poll for the response with the yes shows the first one, ${name}: it is read again`, async () => {
      begin(theStack(), [works]);
      const { openai, sql } = theStack();
      const { id, body, hear } = await askedUnheard(theStack());
      openai.webhooks.faults.set([{ kind: "lose" }]);
      await hear();
      await eventually(
        "the next attempt",
        () => readJob(sql, id),
        (row) => row.attempt === 3 && row.response_id !== null,
      );
      await openaiIsDone(theStack());
      openai.faults.set([raw(retrieve, { body: change(body) }, { times: 1 }), works]);
      await polled(id);
      assert.equal((await readJob(sql, id)).status, "completed");
      assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("every look shows the first one: a person decides, and no later look ends the doubt", async () => {
    const { openai, sql, wake } = theStack();
    const { id, body, hear } = await askedUnheard(theStack());
    openai.webhooks.faults.set([{ kind: "lose" }]);
    await hear();
    await eventually(
      "the next attempt",
      () => readJob(sql, id),
      (row) => row.attempt === 3 && row.response_id !== null,
    );
    await openaiIsDone(theStack());
    openai.faults.set([
      raw(retrieve, { body: { ...body, metadata: {}, id: "resp_other" } }),
      works,
    ]);
    assert.equal((await settledInTime(theStack(), id, 61_000)).status, "needs_review");
    await functionsAreDone(theStack());
    const looks = () => openai.requests.filter(({ path }) => path.endsWith("/cancel")).length;
    const before = looks();
    // None of them has confirmed the cancel.
    const pending = await sql`
      update durable_responses.upstream_cancels set due = now() where job_id = ${id} returning attempt`;
    assert.deepEqual(pending.map(({ attempt }) => attempt), [3]);
    await wake();
    await eventually("another cancel", () => looks() > before);
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "needs_review");
    assert.equal(await sentInAll(theStack()), 1);
    openai.faults.set([works]);
    await sql`update durable_responses.upstream_cancels set due = now() where job_id = ${id}`;
    await wake();
    await eventually(
      "the true response",
      async () => (await readJob(sql, id)).status === "completed",
    );
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("a synchronous request with the yes is answered with the stream that asked: a person decides", async () => {
    const { submit, fresh, openai, stack } = theStack();
    const from = openai.requests.length;
    const ask = {
      type: "mcp_approval_request",
      id: "mcpr_9",
      server_label: "mailbox",
      name: "gmail_reply_to_email",
      arguments: '{"message_id":"msg-1041","body":"It is paid."}',
    };
    begin(theStack(), [
      { kind: "background-unsupported" },
      raw(createStream, stream(ended("completed", [ask]))),
    ]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
    assert.equal(createsSince(theStack(), from).length, 3);
    assert.equal(stack.mailbox.sent.length, 0);
  });
}
