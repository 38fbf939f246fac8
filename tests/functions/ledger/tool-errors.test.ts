/** What an error of a call says about whether the tool has done something. */
import assert from "node:assert/strict";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { stepOf } from "../../../supabase/functions/_durable_responses/tools/step-of-item.ts";

const own = { type: "mcp_tool_execution_error", content: [{ type: "text", text: "No such mail" }] };
const errors: [what: string, error: unknown, status: "failed" | "uncertain"][] = [
  ["the tool's own", own, "failed"],
  ["the tool's own as text", JSON.stringify(own), "failed"],
  ["http_error", { type: "http_error", code: 502, message: "Bad gateway" }, "uncertain"],
  ["http_error as text", '{"type":"http_error","code":502}', "uncertain"],
  ["a protocol error", { type: "mcp_protocol_error", code: -32001, message: "x" }, "uncertain"],
  ["words", "Timed out waiting for the MCP server after 60 s", "uncertain"],
  ["no words", "", "uncertain"],
  ["a code", { code: 504 }, "uncertain"],
  ["another type", { type: "timeout_error" }, "uncertain"],
  ["an empty object", {}, "uncertain"],
  ["an empty list", [], "uncertain"],
  ["true", true, "uncertain"],
];

for (const [what, error, status] of errors) {
  Deno.test(`an error of ${what}: a call that must not be made twice is ${status}`, () => {
    const call = { type: "mcp_call", id: "mcp_1", server_label: "mailbox", arguments: "{}", error };
    const rules = new EffectRules({ find: "none" });
    assert.equal(stepOf({ ...call, name: "send" }, rules).status, status);
    assert.equal(stepOf({ ...call, name: "find" }, rules).status, "failed");
  });
}

for (const error of [null, "", {}, [], false, { code: null, message: null }]) {
  Deno.test(`${JSON.stringify(error)} in place of an error, beside an output: the call has finished`, () => {
    const call = { type: "mcp_call", id: "mcp_1", server_label: "mailbox", name: "send", error };
    const rules = new EffectRules({});
    assert.equal(stepOf({ ...call, output: "sent" }, rules).status, "finished");
    assert.equal(stepOf({ ...call, output: null, status: "completed" }, rules).status, "finished");
    assert.notEqual(stepOf({ ...call, output: null }, rules).status, "finished");
    assert.notEqual(
      stepOf({ ...call, output: "x", status: "in_progress" }, rules).status,
      error === null ? "finished" : "never",
    );
  });
}
