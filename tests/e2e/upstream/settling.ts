/** An unreadable or odd background response never stops its job, and the job says what was wrong. */
import assert from "node:assert/strict";
import { internalJob } from "../../support/job-state.ts";
import type { TestStack } from "../../support/stack.ts";
import { advance } from "../../support/job-state.ts";
import { callsFor, functionsAreDone, handedOver } from "../background/at-openai.ts";
import { createsSince } from "../guard/mail.ts";
import {
  createBackground,
  createStream,
  ended,
  message,
  raw,
  response,
  retrieve,
  sent,
  stream,
} from "./answers.ts";
import { outcomeOf, settledInTime } from "./ask.ts";
import { eventually } from "../../support/eventually.ts";

const failed = (error: unknown) => ({ body: response("failed", [], { error }) });

/** The job's outcome: its status, and its error or why it left background. */
const odd: [string, Parameters<typeof raw>[1], string][] = [
  [
    "an error with no code",
    failed({ code: null, message: "no", type: "service_unavailable_error" }),
    "completed openai_server_error",
  ],
  ["an error that is a text", failed("something broke"), "completed openai_server_error"],
  [
    "an error with a number for a code",
    failed({ code: 503, message: "no" }),
    "completed openai_server_error",
  ],
  ["no error at all", failed(null), "completed openai_server_error"],
  [
    "no output, and incomplete",
    { body: response("incomplete", null, { incomplete_details: { reason: "max_output_tokens" } }) },
    "failed response_incomplete",
  ],
  ["no right to read it", {
    status: 401,
    body: {
      error: { message: "Missing scopes: api.responses.read", type: "invalid_request_error" },
    },
  }, "completed background_unreadable"],
  ["a page of HTML", { type: "text/html", body: "<html>" }, "completed background_unreadable"],
  ["nothing", { body: "" }, "completed background_unreadable"],
  [
    "a status that nobody knows, for ever",
    { body: response("thinking", []) },
    "completed background_stuck",
  ],
  [
    "an input that is too long",
    failed({ code: "context_length_exceeded", message: "too long" }),
    "failed openai_invalid_request",
  ],
  ["an empty answer", { body: response("completed", []) }, "completed answer_empty"],
];

const withEmptyIds = response("completed", [
  { type: "web_search_call", id: "", status: "completed", action: { type: "search", query: "a" } },
  { type: "code_interpreter_call", id: "", status: "completed", code: "1", outputs: [] },
  { type: "mcp_call", id: "", server_label: null, name: 7, arguments: { a: 1 }, output: { b: 2 } },
  { type: null, id: 9 },
  "no item",
  { ...message("the answer"), id: "" },
]);

export function testSettling(theStack: () => TestStack): void {
  for (const [name, answer, expected] of odd) {
    Deno.test(`a background response with ${name}: ${expected}`, async () => {
      const { openai } = theStack();
      openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
      const { id } = await handedOver(theStack(), { kind: "stuck-in-progress" });
      openai.faults.set([raw(retrieve, answer)]);
      const job = await settledInTime(theStack(), id);
      openai.faults.clear();
      assert.equal(`${job.status} ${job.error_code ?? job.fallback_reason}`, expected);
    });
  }

  Deno.test("what keeps a response from being settled is counted, and stands in the job's error", async () => {
    const { openai, sql, wake, finished } = theStack();
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    openai.faults.set([raw(retrieve, { type: "text/html", body: "<html>please wait" })]);
    await advance(sql, id, 31_000);
    await wake();
    await eventually("a look", () => callsFor(theStack(), responseId) > 0);
    await functionsAreDone(theStack());
    const row = await internalJob(sql, id);
    assert.equal(row["settle_failures"], 1);
    assert.match(row["settle_error"], /answer_unreadable.*please wait/);
    await advance(sql, id, 700_000);
    await wake();
    const job = await finished(id);
    openai.faults.clear();
    assert.deepEqual([job.status, job.error_code], ["failed", "deadline_exceeded"]);
    assert.match(job.error_message ?? "", /please wait/);
  });

  Deno.test("a run that grew too long goes on with what it did, told in the shortest form", async () => {
    const { openai, sql, finished } = theStack();
    const from = openai.requests.length;
    const { id } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    const error = { code: "context_length_exceeded", message: "It has 300,000 tokens" };
    const found = { ...sent("nobody"), name: "gmail_find_email", output: "3 emails" };
    openai.faults.set([
      raw(retrieve, { body: response("failed", [found], { error }) }),
      // As items, in a stream: no 400, but a response that fails.
      raw(createStream, stream(ended("failed", [], { error })), { times: 1 }),
    ]);
    await settledInTime(theStack(), id);
    const job = await finished(id);
    openai.faults.clear();
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "openai_invalid_request"]);
    const [asItems, asMessage, ...more] = createsSince(theStack(), from)
      .filter((body) => body["stream"] === true).map(({ input }) => JSON.stringify(input));
    assert.deepEqual(more, []);
    assert.match(asItems ?? "", /"type":"mcp_call"/);
    assert.doesNotMatch(asMessage ?? "", /"type":"mcp_call"/);
    assert.match(asMessage ?? "", /3 emails/);
    const [run] = await sql`
      select warnings from public.response_attempts where job_id = ${id} and mode = 'synchronous'`;
    assert.match(run?.["warnings"][0], /as items, so they were sent as message/);
  });

  Deno.test("items with empty, repeated or no ids are all on the ledger", async () => {
    const { openai, sql, finished } = theStack();
    const { id } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    openai.faults.set([raw(retrieve, { body: withEmptyIds })]);
    await settledInTime(theStack(), id);
    const job = await finished(id);
    openai.faults.clear();
    assert.deepEqual([job.status, job.output_text], ["completed", "the answer"]);
    const steps = await sql`
      select item_id, kind, arguments, output from public.response_steps where job_id = ${id} order by number`;
    assert.equal(steps.length, 6);
    assert.equal(new Set(steps.map((step) => step["item_id"])).size, 6);
    assert.deepEqual(
      [steps[2]?.["kind"], steps[2]?.["arguments"], steps[2]?.["output"]],
      ["mcp_call", '{"a":1}', '{"b":2}'],
    );
  });

  Deno.test("two jobs whose responses have one id: each gets an answer of its own", async () => {
    const { openai, submit, fresh } = theStack();
    openai.faults.set([
      raw(createBackground, { body: { ...response("queued", []), id: "resp_same" } }),
    ]);
    const jobs = await Promise.all([
      submit(fresh("plain"), "[[plan: text one]]"),
      submit(fresh("plain"), "[[plan: text two]]"),
    ]);
    openai.faults.clear();
    openai.faults.set([raw(retrieve, { status: 404, body: "" })]);
    for (const { id } of jobs) await settledInTime(theStack(), id);
    openai.faults.clear();
    const texts = await Promise.all(
      jobs.map(async ({ id }) => (await outcomeOf(theStack(), id)).text),
    );
    assert.deepEqual(texts, ["one", "two"]);
  });
}
