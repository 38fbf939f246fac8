/** Which answers say that a request may be sent in another form. */
import assert from "node:assert/strict";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { refusable } from "../../../supabase/functions/_durable_responses/run/send-forms.ts";

const error = { code: "context_length_exceeded", message: "too long" };

async function endOf(
  output: unknown[],
  mayAct: boolean,
  why = error,
  streamed: "untouched" | "touched" = "untouched",
): Promise<string> {
  const response = parseUpstreamResponse({ id: "resp_1", status: "failed", output, error: why });
  const send = refusable(
    () => Promise.resolve({ kind: "done", response, streamed, requestId: null }),
    () => mayAct,
  );
  const result = await send({});
  return result.kind === "failed" ? result.request : result.kind;
}

const thought = { type: "reasoning", id: "rs_1", summary: [] };
const list = { type: "mcp_list_tools", id: "mcpl_1", server_label: "s", tools: [] };
const call = { type: "mcp_call", id: "mcp_1", server_label: "s", name: "find", output: "x" };

Deno.test("a response that was too long before it did anything was refused, whatever it thought", async () => {
  assert.equal(await endOf([], false), "refused");
  assert.equal(await endOf([list, thought], false), "refused");
});

Deno.test("it was not if it called something, may have acted, or failed otherwise", async () => {
  assert.equal(await endOf([list, call], false), "done");
  // Its stream has shown the start of a call.
  assert.equal(await endOf([], false, error, "touched"), "done");
  assert.equal(await endOf([], true), "done");
  assert.equal(await endOf([], false, { code: "server_error", message: "no" }), "done");
});
