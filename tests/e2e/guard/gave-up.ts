/** The request that has the yes is carried out, and somebody in between says in a 2xx, or with a status of its own, that it gave up. */
import assert from "node:assert/strict";
import { raw, response, stream } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import type { TestStack } from "../../support/stack.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const serverError = { error: { code: "server_error", message: "Cannot" } };
const upstream = "upstream connect error or disconnect/reset before headers";
const errors: Record<string, Record<string, unknown>> = {
  "a 499": { code: "499", message: "Client closed request" },
  "a 408": { code: "408", message: "Request took too long" },
  "an invalid request, in a proxy's words": { type: "invalid_request_error", message: upstream },
  "an invalid request, in digits": { type: "invalid_request_error", code: 400, message: "Bad" },
  "a bad gateway": { type: "invalid_request_error", code: "400", message: "Bad gateway" },
  "a request that goes on elsewhere": {
    type: "invalid_request_error",
    message: "The request is already in progress",
  },
  "an id that a proxy does not find": { type: "not_found_error", message: "upstream not found" },
};
const headers = { "x-request-id": "req_of_a_gateway" };
const statuses: Record<string, Parameters<typeof raw>[1]> = {
  "a 502 with a request id": {
    status: 502,
    headers,
    body: { error: { type: "server_error", message: "Bad" } },
  },
  "a 500 in a proxy's words": {
    status: 500,
    headers,
    body: { error: { type: "api_error", message: upstream } },
  },
  "a 400 in a proxy's words": {
    status: 400,
    body: { error: { type: "invalid_request_error", code: 400, message: upstream } },
  },
  "nginx's 499": { status: 499, body: { error: { message: "Client closed request" } } },
  "Amazon's 460": { status: 460 },
  "a 409": { status: 409, body: { error: { message: "A request like this is in progress" } } },
  "a firewall's 403": { status: 403, type: "text/html", body: "<html>Request blocked" },
  "a page that was not found": { status: 404, type: "text/html", body: "<html>404 Not Found" },
  "a 413 about the answer": {
    status: 413,
    body: { errorMessage: "Response payload size exceeded maximum allowed payload size" },
  },
  "a 424": { status: 424, body: { error: { message: "The tool took longer than 60 s" } } },
};

export function testGaveUp(theStack: () => TestStack): void {
  const begun = { type: "response.created", response: response("in_progress", []) };
  const streamed = Object.entries(errors).flatMap(([name, error]) =>
    [
      [`${name} as an event`, stream({ type: "error", ...error })],
      [`${name} without a type`, stream(begun, { error })],
      [
        `${name} in a failed response`,
        stream(begun, {
          type: "response.failed",
          response: response("failed", [], { error: { ...error, message: upstream } }),
        }),
      ],
      [`${name} as a body`, { body: { error } }],
    ] as const
  );
  /** Events of a call whose start the stream has not shown. */
  const ofCall = {
    "its arguments": { type: "response.mcp_call_arguments.done", arguments: "{}" },
    "its progress": { type: "response.mcp_call.in_progress" },
  };
  const partial = Object.entries(ofCall).map(([name, event]) =>
    [
      `a failed stream that shows of the call only ${name}`,
      stream(
        begun,
        { ...event, item_id: "mcp_1", output_index: 0 },
        { type: "response.failed", response: response("failed", [], serverError) },
      ),
    ] as const
  );
  for (const [name, answer] of [...streamed, ...partial, ...Object.entries(statuses)]) {
    Deno.test(`${name} in answer to the yes in a synchronous run: one email, and a person decides`, async () => {
      const { submit, fresh } = theStack();
      begin(theStack(), [
        { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
        raw({ stream: true, ...ofAttempt(2) }, answer, { runs: true, times: 1 }),
        works,
      ]);
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }
}

/** The same in background, where the webhook brings the result; and without a stream. */
export function testGaveUpInBackground(theStack: () => TestStack): void {
  const inBackground = Object.entries(errors).map(([name, error]) =>
    [`${name} in a 2xx`, { body: { error } }] as const
  );
  for (const [name, answer] of [...inBackground, ...Object.entries(statuses)]) {
    Deno.test(`${name} in answer to the yes in background: one email, and nobody is asked`, async () => {
      const { submit, fresh } = theStack();
      begin(theStack(), [raw(ofAttempt(3), answer, { runs: true, times: 1 }), works]);
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await settledInTime(theStack(), id, 2_000)).status, "completed");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }
  const unverified = {
    type: "invalid_request_error",
    code: "unsupported_value",
    param: "stream",
    message: "Your organization must be verified to stream this model",
  };
  /** What becomes of a job whose request with the yes may not be streamed, and is answered so. */
  async function unstreamed(answer: { status?: number; body: unknown }, runs: boolean) {
    const { submit, fresh } = theStack();
    begin(theStack(), [
      { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
      raw({ stream: true, ...ofAttempt(2) }, { status: 400, body: { error: unverified } }),
      raw(ofAttempt(2), { ...answer, headers }, { runs, times: 1 }),
      works,
    ]);
    const { id } = await submit(fresh("mail"), query);
    const { status } = await settledInTime(theStack(), id);
    return [status, await sentInAll(theStack())];
  }
  const tooLong = { type: "invalid_request_error", code: "context_length_exceeded", message: "x" };
  const afterwards = {
    "OpenAI's own error": { status: 500, body: { error: { type: "server_error", message: "x" } } },
    "a limit": {
      status: 429,
      body: { error: { type: "tokens", code: "rate_limit_exceeded", message: "x" } },
    },
    "a quota": {
      status: 429,
      body: { error: { type: "insufficient_quota", code: "insufficient_quota", message: "x" } },
    },
    "an input that is too long": { status: 400, body: { error: tooLong } },
    "an input that is too long, in a 2xx": { body: { error: tooLong } },
    "a policy": {
      status: 400,
      body: { error: { type: "invalid_request_error", code: "invalid_prompt", message: "x" } },
    },
  };
  for (const [what, answer] of Object.entries(afterwards)) {
    Deno.test(`${what} in answer to a run that was not streamed: one email, and a person decides`, async () => {
      assert.deepEqual(await unstreamed(answer, true), ["needs_review", 1]);
    });
  }
  Deno.test("a parameter that is refused in answer to a run that was not streamed: another form is sent", async () => {
    const error = {
      type: "invalid_request_error",
      code: "invalid_value",
      param: "input[2]",
      message: "x",
    };
    assert.deepEqual(await unstreamed({ status: 400, body: { error } }, false), ["completed", 1]);
  });
}
