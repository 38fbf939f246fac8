/** A response that had the yes and ends without showing what it did: "cannot be read" is not "was not made". */
import assert from "node:assert/strict";
import { advance, flagsOf } from "../../support/job-state.ts";
import { eventually } from "../../support/eventually.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone } from "../background/at-openai.ts";
import { ended, message, raw, response, retrieve, stream } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const thought = { type: "reasoning", id: "rs_1", summary: [] };
const remark = message("I will send it now.", { phase: "commentary" });
const error = { error: { code: "server_error", message: "Cannot" } };
/** The same call, as no API has documented it. */
const strange = {
  type: "mcp_tool_call",
  id: "q",
  name: "gmail_reply_to_email",
  server_label: "mailbox",
};

const untold: Record<string, [status: string, output: unknown, more?: Record<string, unknown>]> = {
  "completed with nothing": ["completed", []],
  "completed with null": ["completed", null],
  "completed without an output": ["completed", undefined],
  "completed with an object": ["completed", { a: 1 }],
  "completed with empty items": ["completed", [null, null]],
  "completed with an empty item and an answer": ["completed", [null, message("Sent.")]],
  "completed with a thought": ["completed", [thought]],
  "completed with a remark": ["completed", [remark]],
  "completed with a call of an unknown kind": ["completed", [strange, message("Sent.")]],
  "completed with the call in flight": ["completed", [thought, {
    ...strange,
    type: "mcp_call",
    arguments: "",
    output: null,
    error: null,
    status: "in_progress",
  }]],
  "incomplete with a thought": ["incomplete", [thought]],
  "failed with nothing": ["failed", [], error],
  "failed with a thought": ["failed", [thought], error],
  "failed because of a limit": ["failed", [], {
    error: { code: "rate_limit_exceeded", message: "Rate limit reached" },
  }],
  "failed because it was too long": ["failed", [], {
    error: { code: "context_length_exceeded", message: "It has 300,000 tokens" },
  }],
  "failed with a result of an unknown kind": ["failed", [{
    type: "tool_result",
    id: "q",
    name: "gmail_reply_to_email",
    output: "sent",
  }], error],
  "failed with a call inside an unknown item": ["failed", [{
    type: "tool_call",
    id: "q",
    call: { server_label: "mailbox", name: "gmail_reply_to_email" },
  }], error],
  "failed with a search": ["failed", [{ type: "web_search_call", id: "ws_1", action: {} }], error],
  "incomplete with a search": ["incomplete", [{ type: "web_search_call", id: "ws_1", action: {} }]],
  "failed as not valid, with a search": ["failed", [{
    type: "web_search_call",
    id: "ws_1",
    action: {},
  }], { error: { code: "invalid_request_error", message: "The output is not valid" } }],
  "failed with words": ["failed", [message("I have sent it.")], error],
  "incomplete with words": ["incomplete", [message("I have sent")]],
  "failed with null": ["failed", null, error],
  "failed without an output": ["failed", undefined, error],
};

export function testUntold(theStack: () => TestStack): void {
  /** A job whose yes OpenAI has in background, and whose response is then read as `body`. */
  async function answeredInBackground(body: unknown): Promise<string> {
    const { submit, fresh, sql, stack } = theStack();
    begin(theStack(), [raw({ ...retrieve, ...ofAttempt(3) }, { body }), works]);
    const { id } = await submit(fresh("mail"), query);
    await eventually("the email", () => stack.mailbox.sent.length, (sent) => sent === 1);
    await eventually("the record", () => readJob(sql, id), ({ attempt }) => attempt === 3);
    await functionsAreDone(theStack());
    return id;
  }

  /** The calls in the ledger that must not be made twice. */
  const callsOf = (id: string) =>
    theStack().sql`
      select status from public.response_steps where job_id = ${id} and effect = 'once' order by number`
      .then((rows) => rows.map(({ status }) => status));

  for (const [what, [status, output, more]] of Object.entries(untold)) {
    Deno.test(`a response with the yes that ${what}: one email, and a person decides`, async () => {
      const { sql, ask, openai, finished } = theStack();
      const id = await answeredInBackground(response(status, output, more));
      const held = await settledInTime(theStack(), id);
      assert.equal(held.status, "needs_review");
      assert.deepEqual(await callsOf(id), ["uncertain"]);
      assert.equal(await sentInAll(theStack()), 1);
      openai.faults.set([works]);
      await ask({ path: `/${id}/resolve`, body: { outcome: "happened" } });
      assert.equal((await finished(id)).status, "completed");
      assert.equal(await sentInAll(theStack()), 1);
      assert.deepEqual(await flagsOf(sql, id), []);
    });
  }

  Deno.test("one that is read rightly at a later poll: nobody is asked", async () => {
    const { sql, openai, wake, finished } = theStack();
    const id = await answeredInBackground(response("completed", []));
    await advance(sql, id, 31_000);
    await wake();
    await functionsAreDone(theStack());
    assert.deepEqual([(await readJob(sql, id)).status, await callsOf(id)], [
      "background",
      ["started"],
    ]);
    openai.faults.set([works]);
    await advance(sql, id, 31_000);
    await wake();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await callsOf(id), ["finished"]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  const late: Record<string, [status: string, output: unknown, more?: Record<string, unknown>]> = {
    "says nothing": ["completed", []],
    "says in words that it is done": ["completed", [message("Sent.")]],
    "has a call of an unknown kind": ["completed", [strange, message("Sent.")]],
    "has failed with nothing": ["failed", [], error],
  };
  for (const [what, [status, output, more]] of Object.entries(late)) {
    Deno.test(`one that was given up, and ${what} when it is read late: the doubt stays`, async () => {
      const { sql, openai, wake } = theStack();
      const id = await answeredInBackground(response("completed", []));
      assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
      const body = response(status, output, more);
      openai.faults.set([raw({ ...retrieve, ...ofAttempt(3) }, { body }), works]);
      await functionsAreDone(theStack());
      // As if its cancel had not been confirmed until now.
      await sql`
        select durable_responses.request_upstream_cancel(job_id, number, response_id)
        from durable_responses.attempts where job_id = ${id} and number = 3`;
      const from = openai.requests.length;
      await wake();
      await eventually(
        "a late read",
        () => openai.requests.slice(from).some(({ method }) => method === "GET"),
      );
      await functionsAreDone(theStack());
      assert.deepEqual([(await readJob(sql, id)).status, await callsOf(id)], [
        "needs_review",
        ["uncertain"],
      ]);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  const begun = { type: "response.created", response: response("in_progress", []) };
  const streams: Record<string, string> = {
    "failed with nothing, and was not streamed": stream(ended("failed", [], error)).body,
    "failed in one piece, with nothing": JSON.stringify(response("failed", [], error)),
    "is an error alone": stream({ type: "error", ...error.error }).body,
    "has an item of an unknown kind, then an error": stream(begun, {
      type: "response.output_item.done",
      output_index: 0,
      item: strange,
    }, { type: "error", ...error.error }).body,
    "completed with nothing": stream(ended("completed", [])).body,
    "completed with null": stream(ended("completed", null)).body,
    "completed without a response": stream({ type: "response.completed" }).body,
    "completed with a remark": stream(ended("completed", [remark])).body,
    "failed with null": stream(ended("failed", null, error)).body,
    "completed in one piece, with nothing": JSON.stringify(response("completed", [])),
  };
  Deno.test("a synchronous run with the yes whose events show no call before it fails: it is sent again", async () => {
    const { submit, fresh } = theStack();
    begin(theStack(), [
      { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
      raw({ stream: true, ...ofAttempt(2) }, stream(begun, ended("failed", [], error)), {
        times: 1,
      }),
      works,
    ]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await settledInTime(theStack(), id)).status, "completed");
    assert.deepEqual(await callsOf(id), ["void", "finished"]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  for (const [what, body] of Object.entries(streams)) {
    Deno.test(`a synchronous run with the yes that ${what}: one email, and a person decides`, async () => {
      const { submit, fresh, ask, openai, finished } = theStack();
      const type = body.startsWith("{") ? "application/json" : "text/event-stream";
      begin(theStack(), [
        { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
        raw({ stream: true, ...ofAttempt(2) }, { type, body }, { runs: true, times: 1 }),
        works,
      ]);
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
      assert.deepEqual(await callsOf(id), ["uncertain"]);
      assert.equal(await sentInAll(theStack()), 1);
      openai.faults.set([works]);
      await ask({ path: `/${id}/resolve`, body: { outcome: "happened" } });
      assert.equal((await finished(id)).status, "completed");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }
}
