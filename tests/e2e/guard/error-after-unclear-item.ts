/** An error in a stream that has shown an item that nobody knows is no refusal: it may be the call. After a thought, it may be one. */
import assert from "node:assert/strict";
import type { TestStack } from "../../support/stack.ts";
import { raw, response, stream } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const begun = { type: "response.created", response: response("in_progress", []) };
const strange = { type: "tool_call", id: "q", name: "gmail_reply_to_email" };
const itemEvent = (which: "added" | "done", item: Record<string, unknown>) => ({
  type: `response.output_item.${which}`,
  output_index: 0,
  item,
});
const errors = {
  "it is too long": { code: "context_length_exceeded", message: "It has 300,000 tokens" },
  "it is not valid": { code: "invalid_request_error", message: "The output is not valid" },
  "a limit is reached": { code: "rate_limit_exceeded", message: "Try again in 1ms" },
};
type Why = keyof typeof errors;

const inDoubt = ["needs_review", "uncertain"];
const cases: [string, "added" | "done", Why][] = [
  ["that an unknown item has started", "added", "a limit is reached"],
  ["an unknown item", "done", "it is not valid"],
];

export function testErrorAfterUnclearItem(theStack: () => TestStack): void {
  for (const [what, which, why] of cases) {
    Deno.test(`a stream with the yes shows ${what}, then an error says that ${why}: one email`, async () => {
      const { submit, fresh, sql } = theStack();
      const answer = stream(begun, itemEvent(which, strange), {
        type: "error",
        param: null,
        ...errors[why],
      });
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
      assert.deepEqual([status, ...steps.map((step) => step["status"])], inDoubt);
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
