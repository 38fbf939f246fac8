/** A call that must not be made twice, and that a background response has made again. */
import assert from "node:assert/strict";
import type { DoneStep } from "../../../supabase/functions/_durable_responses/model/job.ts";
import type { Step } from "../../../supabase/functions/_durable_responses/model/step.ts";
import { repeatIn } from "../../../supabase/functions/_durable_responses/tools/repeated-call.ts";

const first: DoneStep = {
  number: 4,
  attempt: 1,
  item_id: "mcp_1",
  kind: "mcp_call",
  effect: "once",
  server_label: "mailbox",
  tool: "send",
  arguments: "{}",
  call_key: "send a",
  call_repeat: null,
  output: "sent",
  error: null,
  answer: null,
  answered_by: null,
  item: { type: "mcp_call", id: "mcp_1" },
};
const again: Step = {
  item_id: "mcp_2",
  kind: "mcp_call",
  status: "finished",
  effect: "once",
  server_label: "mailbox",
  tool: "send",
  call_key: "send a",
  item: { type: "mcp_call", id: "mcp_2" },
};
const repeat = (made: Partial<Step>, since = 2) =>
  repeatIn([{ ...again, ...made }], { steps: [first], run_since: since })?.code;

Deno.test("a call that an earlier run has made is repeated", () => {
  assert.equal(repeat({}), "repeated_call");
  assert.equal(repeat({ status: "uncertain" }), "repeated_call");
});

Deno.test("another call, a harmless one, one that failed, and one of the same run are no repeats", () => {
  assert.equal(repeat({ call_key: "send b" }), undefined);
  assert.equal(repeat({ effect: "idempotent" }), undefined);
  assert.equal(repeat({ status: "failed" }), undefined);
  assert.equal(repeat({}, 1), undefined);
});

Deno.test("an item that was sent, and is listed again, is no repeat", () => {
  assert.equal(repeat({ item: { type: "mcp_call", id: "mcp_1" } }), undefined);
});
