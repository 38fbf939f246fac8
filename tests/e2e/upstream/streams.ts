/** Answers to a synchronous run: each is classified, and repeated only if that helps. */
import assert from "node:assert/strict";
import type { Sql } from "postgres";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import {
  createBackground,
  createStream,
  ended,
  message,
  raw,
  response,
  sent,
  stream,
  streamed,
} from "./answers.ts";
import { answering, outcomeOf, submitUnder } from "./ask.ts";

type Answer = Parameters<typeof raw>[1];
/** A call that has begun. */
const found = {
  type: "mcp_call",
  id: "mcp_1",
  server_label: "mailbox",
  name: "gmail_find_email",
  arguments: "{}",
  output: null,
  error: null,
  status: "in_progress",
};
const began = (output_index: number | undefined, item: Record<string, unknown>) => ({
  type: "response.output_item.added",
  output_index,
  item,
});
const done = (output_index: number | undefined, item: Record<string, unknown>) => ({
  type: "response.output_item.done",
  output_index,
  item,
});

const ok = "synchronous completed";
const answer = message("the real answer");
const created = { type: "response.created", response: response("in_progress", []) };
const error = (more: Record<string, unknown>) => ({
  error: { message: "no", param: null, ...more },
});
const crLines = (given: { type: string; body: string }) => ({
  ...given,
  body: given.body.replaceAll("\n", "\r"),
});
const said = (text: string, phase: string, id: string) => message(text, { id, phase });

/** How long a job's route pauses, in s; null for no pause. */
async function pauseOf(sql: Sql, id: string): Promise<unknown> {
  const [row] = await sql`
    select extract(epoch from paused_until - now())::int as s from public.response_routes r
    join public.response_jobs_internal j on j.route = r.route where j.id = ${id}`;
  return row?.["s"];
}

const limitedWith2xx = {
  headers: { "retry-after": "600" },
  body: error({ code: "rate_limit_exceeded" }),
};

interface Case {
  answer: Answer;
  /** The stored text. Default: that of the second try. */
  text?: string;
  /** The attempts. Default: one that completed. */
  attempts?: string[];
  error?: string;
}

const cases: Record<string, Case> = {
  "a last event with no output": {
    answer: stream(created, ...streamed(answer, 0), ended("completed", [])),
    text: "the real answer",
  },
  "a last event with null for its output": {
    answer: stream(created, ...streamed(answer, 0), ended("completed", null)),
    text: "the real answer",
  },
  "a last event with no response": {
    answer: stream(created, ...streamed(answer, 0), { type: "response.completed" }),
    text: "the real answer",
  },
  "CR as line end": {
    answer: crLines(stream(created, ...streamed(answer, 0), ended("completed", [answer]))),
    text: "the real answer",
  },
  "a last event without its blank line": {
    answer: stream(created, `data: ${JSON.stringify(ended("completed", [answer]))}`),
    text: "the real answer",
  },
  "one whole response": {
    answer: { body: response("completed", [answer]) },
    text: "the real answer",
  },
  "one whole response that is called a stream": {
    answer: { type: "text/event-stream", body: response("completed", [answer]) },
    text: "the real answer",
  },
  "items of next year": {
    answer: stream(
      created,
      { type: "response.hologram.added", x: null },
      ended("completed", [{ type: "hologram" }, answer]),
    ),
    text: "the real answer",
  },
  "commentary before the answer": {
    answer: stream(
      ended("completed", [
        said("Looking first.", "commentary", "a"),
        said("Here it is.", "final_answer", "b"),
      ]),
    ),
    text: "Here it is.",
  },
  "two messages": {
    answer: stream(
      ended("completed", [message("One.", { id: "a" }), message("Two.", { id: "b" })]),
    ),
    text: "One.\n\nTwo.",
  },
  "a call that becomes a message": {
    answer: stream(
      began(0, found),
      done(0, message("Hi.", { id: "mcp_1" })),
      ended("completed", [message("Hi.", { id: "mcp_1" })]),
    ),
    text: "Hi.",
  },
  "a call that becomes an unknown item": {
    answer: stream(
      began(0, found),
      done(0, { type: "odd", id: "mcp_1" }),
      ended("completed", [{ type: "odd", id: "mcp_1" }, message("Hi.")]),
    ),
    text: "Hi.",
  },
  "a call that becomes a thought, without places": {
    answer: stream(
      began(undefined, found),
      done(undefined, { type: "reasoning", id: "rs_1", summary: [] }),
      ended("completed", [{ type: "reasoning", id: "rs_1", summary: [] }, message("Hi.")]),
    ),
    text: "Hi.",
  },
  "a call of whose id only a message is left": {
    answer: stream(began(0, found), ended("completed", [message("Hi.", { id: "mcp_1" })])),
    text: "Hi.",
  },
  "a call without an id, and only a message is left": {
    answer: stream(began(0, { ...found, id: "" }), ended("completed", [message("Hi.")])),
    text: "Hi.",
  },
  "nothing at all": {
    answer: stream(created, ended("completed", [])),
    attempts: ["synchronous failed answer_empty", ok],
  },
  "a page of HTML": {
    answer: { type: "text/html", body: "<html>" },
    attempts: ["synchronous failed stream_cut", ok],
  },
  "a failure with no code": {
    answer: stream(ended("failed", [], { error: { code: null, message: "something broke" } })),
    attempts: ["synchronous failed openai_server_error", ok],
  },
  "an image that could not be fetched in time": {
    answer: {
      status: 400,
      body: error({
        message: "timeout while downloading https://ref.example/cat.png",
        type: "invalid_request_error",
        param: "url",
        code: "invalid_image_url",
      }),
    },
    attempts: ["synchronous failed openai_download_failed", ok],
  },
  "a region that is not served": {
    answer: {
      status: 403,
      body: error({
        code: "unsupported_country_region_territory",
        message: "Country, region, or territory not supported",
      }),
    },
    attempts: ["synchronous failed openai_region_refused", ok],
  },
  "one 401": {
    answer: {
      status: 401,
      body: error({
        message: "Missing scopes: model.request",
        type: "invalid_request_error",
        code: null,
      }),
    },
    attempts: ["synchronous failed openai_key_refused", ok],
  },
  "a refusal": {
    answer: stream(
      ended("completed", [
        message("", { content: [{ type: "refusal", refusal: "I will not do this." }] }),
      ]),
    ),
    error: "openai_policy",
  },
  "an input that is too long, as an event": {
    answer: stream({
      type: "error",
      ...error({ type: "invalid_request_error", code: "context_length_exceeded" }),
    }),
    error: "openai_invalid_request",
  },
  "an input that is too long, as a failure": {
    answer: stream(
      ended("failed", [], { error: { code: "context_length_exceeded", message: "too long" } }),
    ),
    error: "openai_invalid_request",
  },
  "another bad request, as an event": {
    answer: stream({
      type: "error",
      ...error({ type: "invalid_request_error", code: "a_code_of_next_year" }),
    }),
    error: "openai_invalid_request",
  },
  "a used-up quota with no event's name": {
    answer: stream(
      created,
      `data: ${
        JSON.stringify(error({ type: "insufficient_quota", code: "insufficient_quota" }))
      }\n\n`,
    ),
    error: "openai_quota_exceeded",
  },
  "an error in place of a stream": {
    answer: {
      type: "text/event-stream",
      body: error({ type: "invalid_request_error", code: "invalid_prompt" }),
    },
    error: "openai_policy",
  },
  "a request that no limit has room for": {
    answer: {
      status: 429,
      body: error({
        message: "Request too large (TPM): limit 30000, requested 61337",
        type: "tokens",
        code: "rate_limit_exceeded",
      }),
    },
    error: "request_too_large",
  },
};

export function testStreams(theStack: () => TestStack): void {
  for (const [name, { answer, text, error, attempts }] of Object.entries(cases)) {
    Deno.test(`a synchronous run is answered with ${name}: ${error ?? attempts?.[0] ?? "the answer"}`, async () => {
      const { finished, sql, openai } = theStack();
      openai.faults.clear();
      const id = await submitUnder(theStack(), "direct", answering, [{
        ...raw(createStream, answer),
        times: 1,
      }]);
      await finished(id);
      assert.deepEqual(await outcomeOf(theStack(), id), {
        status: error ? "failed" : "completed",
        error: error ?? null,
        text: error ? null : text ?? "all done",
        attempts: attempts ?? [error ? `synchronous failed ${error}` : ok],
        flags: [],
      });
      if (error !== "openai_quota_exceeded") assert.equal(await pauseOf(sql, id), null);
    });
  }

  Deno.test("two calls with one empty id are two calls on the ledger, and neither is made again", async () => {
    const { sql, finished } = theStack();
    const calls = [
      ...streamed(sent("a@example.com", ""), 0),
      ...streamed(sent("b@example.com", ""), 1),
    ];
    const id = await submitUnder(theStack(), "direct", answering, [
      { ...raw(createStream, stream(created, ...calls)), times: 1 },
    ]);
    await finished(id);
    const steps = await sql`
      select arguments from public.response_steps
      where job_id = ${id} and kind = 'mcp_call' and status = 'finished' order by number`;
    assert.deepEqual(steps.map((step) => JSON.parse(step["arguments"]).to), [
      "a@example.com",
      "b@example.com",
    ]);
  });

  Deno.test("a Retry-After of years pauses a route for an hour at most", async () => {
    for (const seconds of ["86400", "315360000", "99999999999999", "1e999"]) {
      const { sql } = theStack();
      const id = await submitUnder(theStack(), "direct", answering, [
        {
          ...raw(createStream, {
            status: 429,
            headers: { "retry-after": seconds },
            body: error({ code: "rate_limit_exceeded" }),
          }),
          times: 1,
        },
      ]);
      await theStack().finished(id);
      const pause = Number(await pauseOf(sql, id));
      assert.ok(pause > 3_000 && pause <= 3_600, `${seconds}: ${pause}`);
      const { attempts } = await outcomeOf(theStack(), id);
      assert.deepEqual(attempts, ["synchronous failed openai_rate_limited"]);
    }
  });

  Deno.test("a Retry-After of a 2xx that is an error pauses the route, too, and the job waits for it", async () => {
    const { ask, openai, sql } = theStack();
    const limited = { ...raw(createBackground, limitedWith2xx), times: 1 };
    const id = await submitUnder(theStack(), "plain", answering, [limited]);
    const { status, fallback_reason: reason, run_at: at } = await readJob(sql, id);
    assert.deepEqual([status, reason], ["queued", "openai_rate_limited"]);
    assert.ok(at !== null && at.getTime() > Date.now() + 500_000, `${at}`);
    const pause = Number(await pauseOf(sql, id));
    assert.ok(pause > 500 && pause <= 600, `${pause}`);
    openai.faults.clear();
    await ask({ method: "POST", path: `/${id}/cancel` });
  });

  // Last, because afterwards the isolate remembers it.
  Deno.test("an organization that may not stream gets one answer, and the attempt says so", async () => {
    const { openai, sql, finished } = theStack();
    openai.faults.set([
      raw(createStream, {
        status: 400,
        body: error({
          message: "an organization that is not verified cannot stream this model",
          type: "invalid_request_error",
          param: "stream",
          code: "unsupported_value",
        }),
      }),
    ]);
    const { submit, fresh } = theStack();
    const { id } = await submit(fresh("direct"), answering);
    await finished(id);
    openai.faults.clear();
    assert.deepEqual((await outcomeOf(theStack(), id)).attempts, [ok]);
    const [attempt] = await sql`select warnings from public.response_attempts where job_id = ${id}`;
    assert.match(attempt?.["warnings"][0], /Not streamed/);

    const limited = await submitUnder(theStack(), "direct", answering, [raw({}, limitedWith2xx)]);
    await finished(limited);
    openai.faults.clear();
    const pause = Number(await pauseOf(sql, limited));
    assert.ok(pause > 500 && pause <= 600, `${pause}`);
  });
}
