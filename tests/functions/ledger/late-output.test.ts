/** A response that is read late: a run's later responses have no list of tools of their own. */
import assert from "node:assert/strict";
import { stepsOfOutput } from "../../../supabase/functions/_durable_responses/jobs/output-steps.ts";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { effectsOf } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";

const call = {
  type: "mcp_call",
  id: "mcp_1",
  server_label: "mailbox",
  name: "find",
  arguments: "{}",
  output: "nothing",
};
const list = {
  type: "mcp_list_tools",
  id: "mcpl_1",
  server_label: "mailbox",
  tools: [{ name: "find", input_schema: {}, annotations: { readOnlyHint: true } }],
};

const effectOf = (lists: (typeof list)[]) => {
  const response = parseUpstreamResponse({ id: "resp_1", status: "completed", output: [call] });
  const effects = effectsOf(lists.map((item) => ({ item })), {});
  const upstream = { job_id: crypto.randomUUID(), requests: [], calls: [] };
  return stepsOfOutput(upstream, response, effects).done.map(({ step }) => step.effect);
};

Deno.test("a late call is judged by the list of an earlier response, and counts as once without any", () => {
  assert.deepEqual(effectOf([list]), ["none"]);
  assert.deepEqual(effectOf([]), ["once"]);
});
