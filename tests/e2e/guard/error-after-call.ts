/** The request that has the yes is carried out synchronously, and an error of the model follows the call. It is not sent again. */
import assert from "node:assert/strict";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { ended, raw, response, stream, streamed } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { askedUnheard } from "./asked-unheard.ts";
import { createsSince, ofAttempt, sentInAll, works } from "./mail.ts";

type Event = Record<string, unknown>;

const type = "invalid_request_error";
const tooLong = {
  type,
  code: "context_length_exceeded",
  message: "Your input exceeds the context window of this model.",
  param: "input",
};
const errors: Record<string, Event> = {
  "a length": { type: "error", error: tooLong },
  "a length, without a type": { error: tooLong },
  "a limit": {
    type: "error",
    error: {
      type: "tokens",
      code: "rate_limit_exceeded",
      message: "Request too large: Limit 30000, Requested 60000",
    },
  },
  "an invalid output": {
    type: "error",
    error: { type, code: "invalid_value", message: "Invalid output", param: "input[3].output" },
  },
  "encrypted reasoning": {
    type: "error",
    error: {
      type,
      code: "unsupported_value",
      message: "Encrypted content is not supported with this model.",
      param: "include",
    },
  },
};

export function testErrorAfterCall(theStack: () => TestStack): void {
  /** The answer to the yes, in attempt 2. */
  async function answeredWith(
    answer: (call: Event) => Parameters<typeof raw>[1],
    more: Event = {},
  ) {
    const { openai, sql } = theStack();
    const asked = await askedUnheard(theStack());
    const request = asked.body.output.find((item) => item["type"] === "mcp_approval_request");
    const call = {
      ...request,
      type: "mcp_call",
      id: "mcp_1",
      approval_request_id: request?.["id"],
      output: "sent",
      error: null,
      status: "completed",
    };
    const from = openai.requests.length;
    openai.faults.set([
      { kind: "background-unsupported", match: { background: true } },
      ...more["unstreamed"] === true
        ? [raw({ stream: true, ...ofAttempt(2) }, { status: 400, body: { error: unverified } })]
        : [],
      raw(ofAttempt(2), answer(call), { runs: true, times: 1 }),
      works,
    ]);
    await asked.hear();
    await settledInTime(theStack(), asked.id);
    const steps = await sql`
      select status from public.response_steps
      where job_id = ${asked.id} and kind = 'mcp_call' and effect = 'once' order by number`;
    return {
      ...await readJob(sql, asked.id),
      sent: await sentInAll(theStack()),
      calls: steps.map(({ status }) => status),
      creates: createsSince(theStack(), from).filter(({ background }) => background !== true),
    };
  }
  const unverified = {
    type,
    code: "unsupported_value",
    param: "stream",
    message: "Your organization must be verified to stream this model",
  };
  const created = { type: "response.created", response: response("in_progress", []) };
  const isTooLong = (what: string) => what.startsWith("a l");

  for (const [what, error] of Object.entries(errors)) {
    Deno.test(`an error about ${what} after a call that had its yes: one email`, async () => {
      const { status, error_code, sent, calls, creates } = await answeredWith((call) =>
        stream(created, ...streamed(call, 0), error)
      );
      assert.equal(sent, 1);
      assert.deepEqual(calls, ["finished"]);
      // What was done may fit in a shorter form, in another attempt.
      assert.deepEqual(
        [status, error_code],
        isTooLong(what) ? ["completed", null] : ["failed", "openai_invalid_request"],
      );
      assert.equal(creates.length, isTooLong(what) ? 2 : 1);
    });

    Deno.test(`an error about ${what} during such a call: one email, and a person decides`, async () => {
      const { status, sent, calls, creates } = await answeredWith((call) =>
        stream(created, ...streamed(call, 0).slice(0, 2), error)
      );
      assert.deepEqual([status, sent, calls, creates.length], [
        "needs_review",
        1,
        ["uncertain"],
        1,
      ]);
    });
  }

  const thinking = {
    type: "response.output_item.added",
    output_index: 0,
    item: { type: "reasoning", id: "rs_1", summary: [] },
  };
  const strange = { type: "tool_call", id: "q", name: "gmail_reply_to_email" };
  const unshown: Record<string, Event[]> = {
    "events of a call": [{
      type: "response.mcp_call.in_progress",
      item_id: "m",
      output_index: 1,
    }],
    "events of a call, at no place, while something else is open": [thinking, {
      type: "response.mcp_call.in_progress",
      item_id: "m",
    }],
    "events of a call of another name": [{
      type: "response.mcp_tool_call.in_progress",
      item_id: "m",
      output_index: 0,
    }],
    "the beginning of an unknown item": [{ ...thinking, item: strange }],
  };
  const limit = {
    type: "error",
    error: { type: "requests", code: "rate_limit_exceeded", message: "Try again in 1ms" },
  };
  const lasts: Record<string, Event> = {
    "an error about a length": { type: "error", error: tooLong },
    "an error about a limit": limit,
    "a failed response": ended("failed", [], { error: { ...tooLong, code: "invalid_value" } }),
  };
  for (const [what, events] of Object.entries(unshown)) {
    for (const [last, event] of Object.entries(lasts)) {
      Deno.test(`${last} after ${what}, whose start was not shown: one email, and a person decides`, async () => {
        const { status, sent, creates } = await answeredWith(() =>
          stream(created, ...events, event)
        );
        assert.deepEqual([status, sent, creates.length], ["needs_review", 1, 1]);
      });
    }
  }

  Deno.test("a server that streams its answer to the create, with the call and then an error: one email", async () => {
    const { openai } = theStack();
    const asked = await askedUnheard(theStack());
    const request = asked.body.output.find((item) => item["type"] === "mcp_approval_request");
    const call = { ...request, type: "mcp_call", id: "mcp_1", output: "sent", error: null };
    const made = { ...call, status: "completed", approval_request_id: request?.["id"] };
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const answer = stream(created, ...streamed(made, 0), { type: "error", error: tooLong });
    openai.faults.set([raw(ofAttempt(3), answer, { runs: true, times: 1 }), works]);
    await asked.hear();
    await settledInTime(theStack(), asked.id, 61_000);
    openai.webhooks.faults.clear();
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("a response that fails after the call because it is too long: one email, and a shorter form", async () => {
    const { status, sent, calls } = await answeredWith((call) =>
      stream(created, ...streamed(call, 0), ended("failed", [], { error: tooLong }))
    );
    assert.deepEqual([status, sent, calls], ["completed", 1, ["finished"]]);
  });

  const whole: Record<string, Parameters<typeof raw>[1]> = {
    "a length": { status: 400, body: { error: tooLong } },
    "a length, in a 2xx": { body: { error: tooLong } },
    "a rate limit": {
      status: 429,
      headers: { "retry-after": "1" },
      body: { error: { type: "tokens", code: "rate_limit_exceeded", message: "Try later" } },
    },
  };
  // Last: from now on, the isolate streams nothing of this model.
  for (const [what, answer] of Object.entries(whole)) {
    Deno.test(`an error about ${what} instead of a response that is not streamed: one email, and a person decides`, async () => {
      const { status, sent } = await answeredWith(() => answer, { unstreamed: true });
      assert.deepEqual([status, sent], ["needs_review", 1]);
    });
  }
}
