/** A caller's own yes in a request that continues after earlier runs: none that may have been used is sent again without its call. */
import assert from "node:assert/strict";
import type { DoneStep } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { formsFor } from "../../../supabase/functions/_durable_responses/run/continuation.ts";
import { callKey } from "../../../supabase/functions/_durable_responses/tools/step-of-item.ts";

const user = { role: "user", content: "Send it" };
const request = (id: string, name = "send") => ({
  type: "mcp_approval_request",
  id,
  server_label: "mailbox",
  name,
  arguments: "{}",
});
const yes = (id: string) => ({
  type: "mcp_approval_response",
  approval_request_id: id,
  approve: true,
});
const body = {
  model: "gpt-6.1-sol",
  input: [user, request("mcpr_a"), yes("mcpr_a"), request("mcpr_b", "delete"), yes("mcpr_b")],
};

const step = (kind: string, more: Partial<DoneStep> = {}): DoneStep => ({
  number: 1,
  attempt: 1,
  item_id: "mcp_1",
  kind,
  effect: "once",
  server_label: "mailbox",
  tool: "send",
  arguments: "{}",
  call_key: "key",
  output: "sent",
  error: null,
  item: null,
  answer: null,
  answered_by: null,
  ...more,
});
const call = (named: string | null) =>
  step("mcp_call", {
    item: {
      type: "mcp_call",
      id: "mcp_1",
      server_label: "mailbox",
      name: "send",
      arguments: "{}",
      output: "sent",
      approval_request_id: named,
    },
  });
const mixedUp: DoneStep = {
  ...call("mcpr_b"),
  call_key: callKey("mailbox", "send", "{}"),
};
const happened = step("unguarded_run", { server_label: null, tool: null, call_key: null });
const search = step("web_search_call", {
  effect: null,
  item: { type: "web_search_call", id: "ws_1", status: "completed", action: {} },
});

/** The yeses in each form of a request. */
function yesesIn(steps: DoneStep[]): Record<string, unknown[]> {
  const choice = formsFor(body, steps, false);
  assert.ok("forms" in choice);
  return Object.fromEntries(choice.forms.map(({ name, body: { input } }) => {
    assert.ok(Array.isArray(input));
    const asked = input.filter(({ type }) => type === "mcp_approval_request").map(({ id }) => id);
    const given = input.filter(({ type }) => type === "mcp_approval_response");
    assert.deepEqual(given.map(({ approval_request_id: id }) => id), asked);
    return [name, asked];
  }));
}

const cases: [string, DoneStep[], Record<string, unknown[]>][] = [
  ["nothing was done", [], { plain: ["mcpr_a", "mcpr_b"] }],
  ["no call was made", [search], {
    items: ["mcpr_a", "mcpr_b"],
    message: ["mcpr_a", "mcpr_b"],
  }],
  ["its call was made", [call("mcpr_a")], {
    items: ["mcpr_a", "mcpr_b"],
    message: ["mcpr_b"],
  }],
  ["a call that names no yes was made", [call(null)], { items: [], message: [] }],
  ["a call that names an unknown yes was made", [call("mcpr_x")], { items: [], message: [] }],
  ["a harmless call of its tool was made", [{ ...call(null), effect: "none" }], {
    items: ["mcpr_b"],
    message: ["mcpr_b"],
  }],
  // The call uses the yes that it names, as far as the API knows; the other one would be used again.
  ["its call was made, and names another yes", [mixedUp], { items: ["mcpr_b"], message: [] }],
  ["a person has confirmed a run that nobody saw", [happened], { message: [] }],
];
for (const [what, steps, expected] of cases) {
  Deno.test(`${what}: the caller's yeses that are sent`, () => {
    assert.deepEqual(yesesIn(steps), expected);
  });
}
