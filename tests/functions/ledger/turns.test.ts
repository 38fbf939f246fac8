import assert from "node:assert/strict";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { joinRounds } from "../../../supabase/functions/_durable_responses/run/rounds.ts";

const turn = (id: string, output: unknown[], usage: unknown) =>
  parseUpstreamResponse({ id, status: "completed", output, usage });
const call = { type: "mcp_call", id: "mcp_1", name: "reply", output: "sent" };

Deno.test("the turns of a run are one response, as if nobody had been asked", () => {
  const joined = joinRounds(
    [
      turn("resp_1", [
        { type: "mcp_list_tools", id: "mcpl_1" },
        { type: "mcp_approval_request", id: "mcpr_1" },
      ], { input_tokens: 10, details: { cached: 1 } }),
    ],
    turn("resp_2", [
      { ...call, approval_request_id: "mcpr_1" },
      { type: "mcp_approval_request", id: "mcpr_2" },
    ], { input_tokens: 20, details: { cached: 3 }, service_tier: "flex" }),
  );
  assert.equal(joined.id, "resp_2");
  assert.deepEqual(joined.output, [
    { type: "mcp_list_tools", id: "mcpl_1" },
    { ...call, approval_request_id: null },
    // The last response's question is for a person.
    { type: "mcp_approval_request", id: "mcpr_2" },
  ]);
  assert.deepEqual(joined.usage, {
    input_tokens: 30,
    details: { cached: 4 },
    service_tier: "flex",
  });
});

Deno.test("a run of one turn is its response, untouched", () => {
  const only = turn("resp_1", [{ ...call, approval_request_id: "mcpr_9" }], null);
  assert.equal(joinRounds([], only), only);
});
