/** Calls that an earlier attempt left open keep the ids of their steps, even if an API repeats ids. */
import assert from "node:assert/strict";
import { trackerOf } from "./support/tracker.ts";

const call = (arguments_: string) => ({
  type: "function_call",
  id: "fc_0",
  call_id: "call_0",
  name: "send",
  arguments: arguments_,
});

Deno.test("a call whose id an open call has gets another", () => {
  const open = [{ number: 1, attempt: 2, item_id: "fc_0", call_repeat: 0, item: call("first") }];
  assert.notEqual(trackerOf({ open }).idOfCall(call("second")), "fc_0");
});

Deno.test("with no open call it keeps its own", () => {
  assert.equal(trackerOf().idOfCall(call("second")), "fc_0");
});
