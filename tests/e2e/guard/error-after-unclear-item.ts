/** An error in a stream that has shown an item that nobody knows is no refusal: it may be the call. After a thought, it may be one. */
import assert from "node:assert/strict";
import type { TestStack } from "../../support/stack.ts";
import { ended, message, raw, response, stream } from "../upstream/answers.ts";
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
const call = {
  id: "mcp_1",
  type: "mcp_call",
  server_label: "mailbox",
  name: "gmail_reply_to_email",
  arguments: JSON.stringify({ message_id: "msg-1041", body: "It is paid." }),
  output: "sent",
  error: null,
  status: "completed",
};
const about = (type: string, more: Record<string, unknown> = {}) => ({
  type: `response.${type}`,
  item_id: "x",
  output_index: 0,
  ...more,
});
const progress = about("mcp_call.in_progress");
const cases: [string, Record<string, unknown>, Why][] = [
  ["that an unknown item has started", itemEvent("added", strange), "a limit is reached"],
  ["an unknown item", itemEvent("done", strange), "it is not valid"],
  ["the progress of a call", progress, "it is too long"],
  [
    "a delta of a call's arguments",
    about("mcp_call_arguments.delta", { delta: "{" }),
    "it is too long",
  ],
  ["an unknown event about an item", about("tool.running"), "a limit is reached"],
  ["an event of a call of another kind", about("mcp_tool_call.in_progress"), "a limit is reached"],
  ["the call in an unknown event", about("mcp_call.made", { item: call }), "it is too long"],
  ["the call in the response so far", {
    type: "response.in_progress",
    response: response("in_progress", [call]),
  }, "it is too long"],
];

export function testErrorAfterUnclearItem(theStack: () => TestStack): void {
  for (const [what, event, why] of cases) {
    Deno.test(`a stream with the yes shows ${what}, then an error says that ${why}: one email`, async () => {
      const { submit, fresh, sql } = theStack();
      const answer = stream(begun, event, {
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

  const thinking = itemEvent("added", { type: "reasoning", id: "rs_1", summary: [] });
  const cut = ended("failed", [], { error: { code: "server_error", message: "Cannot" } });
  for (
    const [what, event] of Object.entries({
      "without a place": { ...progress, output_index: undefined },
      "at the place of a thought": progress,
      "of another kind": { ...about("mcp_tool_call.in_progress"), output_index: undefined },
    })
  ) {
    Deno.test(`a stream with the yes shows an open thought and the progress of a call ${what}, and fails: one email`, async () => {
      const { submit, fresh } = theStack();
      begin(theStack(), [
        { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
        raw({ stream: true, ...ofAttempt(2) }, stream(begun, thinking, event, cut), {
          runs: true,
          times: 1,
        }),
        works,
      ]);
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  const ends: Record<string, [events: Record<string, unknown>[], outcome: string[]]> = {
    // An answer is the end of the job: nothing is made again.
    "an answer without the call: nobody is asked": [[
      ended("completed", [message("Done.")]),
    ], ["completed", "void"]],
    "a failure of the request: a person decides": [[
      ended("failed", [], { error: errors["it is not valid"] }),
    ], inDoubt],
    "the call in the last event: nobody is asked": [[
      ended("completed", [call, message("Done.")]),
    ], ["completed", "finished"]],
    "the call as it ended: nobody is asked": [[
      itemEvent("done", call),
      ended("completed", [message("Done.")]),
    ], ["completed", "finished"]],
  };
  for (const [what, [events, outcome]] of Object.entries(ends)) {
    Deno.test(`a stream with the yes shows the progress of a call that it has not shown, then ${what}`, async () => {
      const { submit, fresh, sql } = theStack();
      begin(theStack(), [
        { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
        raw({ stream: true, ...ofAttempt(2) }, stream(begun, progress, ...events), {
          runs: true,
          times: 1,
        }),
        works,
      ]);
      const { id } = await submit(fresh("mail"), query);
      const { status } = await settledInTime(theStack(), id);
      assert.equal(await sentInAll(theStack()), 1);
      const steps = await sql`
        select status from public.response_steps where job_id = ${id} and kind = 'mcp_call' and effect = 'once'`;
      assert.deepEqual([status, ...steps.map((step) => step["status"])], outcome);
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
