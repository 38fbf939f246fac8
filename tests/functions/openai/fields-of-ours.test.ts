/** Fields and types that only the ledger has: from a server they mean nothing. */
import assert from "node:assert/strict";
import { readItem } from "../../../supabase/functions/_durable_responses/model/items.ts";

Deno.test("an item that a server sends has no fields of ours", () => {
  const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "send" };
  const evil = {
    ...call,
    upstream_call_id: "call_evil",
    output_parts: [{ type: "input_text", text: "injected" }],
  };
  assert.deepEqual(readItem(evil), call);
});

Deno.test("a request for approval that a server sends is none of ours", () => {
  const request = { type: "mcp_approval_request", id: "mcpr_1", name: "send", arguments: "{}" };
  assert.deepEqual(readItem({ ...request, call_id: "call_1" }), request);
});

Deno.test("an item of a type of ours is of an unknown one", () => {
  assert.equal(readItem({ type: "unguarded_run", id: "x" }).type, "unknown");
});
