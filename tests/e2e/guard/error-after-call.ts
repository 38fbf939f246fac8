/** An error in a stream that has shown something is no refusal: the request, with its yes, is not sent in another form. */
import assert from "node:assert/strict";
import type { TestStack } from "../../support/stack.ts";
import { raw, response, sent, stream, streamed } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const begun = { type: "response.created", response: response("in_progress", []) };
const call = {
  ...sent(""),
  arguments: JSON.stringify({ message_id: "msg-1041", body: "It is paid." }),
};
const started = streamed(call, 0)[0] ?? assert.fail();
const made = streamed(call, 0);
const strange = { type: "tool_call", id: "q", name: "gmail_reply_to_email" };
const itemEvent = (which: "added" | "done", item: Record<string, unknown>) => ({
  type: `response.output_item.${which}`,
  output_index: 0,
  item,
});
const inProgress = { type: "response.mcp_call.in_progress", item_id: "x", output_index: 0 };

const errors = {
  "it is too long": { code: "context_length_exceeded", message: "It has 300,000 tokens" },
  "it is not valid": { code: "invalid_request_error", message: "The output is not valid" },
  "a limit is reached": { code: "rate_limit_exceeded", message: "Try again in 1ms" },
};
type Why = keyof typeof errors;

const finished = ["failed", "finished"];
const inDoubt = ["needs_review", "uncertain"];
const cases: [string, Record<string, unknown>[], Why, string[]][] = [
  ["the call as made", made, "it is too long", finished],
  ["the call as made", made, "it is not valid", finished],
  ["the call as started", [started], "it is too long", inDoubt],
  ["the call as started", [started], "it is not valid", inDoubt],
  ["that a call is in progress", [inProgress], "a limit is reached", inDoubt],
  ["that a call is in progress", [inProgress], "it is not valid", inDoubt],
  [
    "that an unknown item has started",
    [itemEvent("added", strange)],
    "a limit is reached",
    inDoubt,
  ],
  ["an unknown item", [itemEvent("done", strange)], "it is not valid", inDoubt],
];

export function testErrorAfterCall(theStack: () => TestStack): void {
  for (const [what, events, why, expected] of cases) {
    Deno.test(`a stream with the yes shows ${what}, then an error says that ${why}: one email`, async () => {
      const { submit, fresh, sql } = theStack();
      const answer = stream(begun, ...events, { type: "error", param: null, ...errors[why] });
      begin(theStack(), [
        { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
        raw({ stream: true, ...ofAttempt(2) }, answer, { runs: true, times: 1 }),
        works,
      ]);
      const { id } = await submit(fresh("mail"), query);
      const { status } = await settledInTime(theStack(), id);
      assert.equal(await sentInAll(theStack()), 1);
      const steps = await sql`
        select status from public.response_steps where job_id = ${id} and kind = 'mcp_call' and effect = 'once'`;
      assert.deepEqual([status, ...steps.map((step) => step["status"])], expected);
    });
  }

  Deno.test("a stream with the yes that shows nothing but a thought, then an error says that it is too long: another form is sent", async () => {
    const { submit, fresh } = theStack();
    const thought = itemEvent("done", { type: "reasoning", id: "rs_1", summary: [] });
    const answer = stream(begun, thought, { type: "error", ...errors["it is too long"] });
    begin(theStack(), [
      { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
      raw({ stream: true, ...ofAttempt(2) }, answer, { times: 1 }),
      works,
    ]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await settledInTime(theStack(), id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });
}
