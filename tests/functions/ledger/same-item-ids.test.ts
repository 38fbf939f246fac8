/** Items of several responses with one id: some servers number theirs in each response anew. What is told is all that was done. */
import assert from "node:assert/strict";
import type { DoneStep } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { carriedItems } from "../../../supabase/functions/_durable_responses/run/carried-items.ts";

const stepOf = (
  number: number,
  item: { type: string; id: string } & Record<string, unknown>,
  more: Partial<DoneStep> = {},
): DoneStep => ({
  number,
  attempt: number,
  item_id: item.id,
  kind: item.type,
  effect: null,
  server_label: null,
  tool: null,
  arguments: null,
  call_key: null,
  output: null,
  error: null,
  item,
  answer: null,
  answered_by: null,
  ...more,
});
const search = (number: number, query: string) =>
  stepOf(number, { type: "web_search_call", id: "ws_0", action: { type: "search", query } });
const call = (number: number, output: string) =>
  stepOf(number, {
    type: "mcp_call",
    id: "mcp_0",
    server_label: "shop",
    name: "stock",
    arguments: "{}",
    output,
  }, { effect: "none", server_label: "shop", tool: "stock", call_key: "stock", output });
const left = (number: number) =>
  stepOf(number, {
    type: "function_call",
    id: "fc_0",
    call_id: number === 1 ? "call_0" : `call_x_${number}`,
    name: "send",
    arguments: "{}",
  }, { effect: "once", run_by: "worker", tool: "send", call_key: "send", output: "sent" });

const kept: Record<string, [DoneStep[], number]> = {
  "two searches": [[search(1, "a"), search(2, "b")], 2],
  "one search, stored twice": [[search(1, "a"), search(2, "a")], 1],
  "two looks with the same arguments": [[call(1, "5 left"), call(2, "4 left")], 2],
  "two equal calls of ours, each with its output": [[left(1), left(2)], 4],
};
for (const [what, [steps, count]] of Object.entries(kept)) {
  Deno.test(`${what} with one id: ${count} items, each id once`, () => {
    const items = carriedItems(steps);
    assert.equal(items.length, count);
    const ids = items.flatMap(({ id }) => id === undefined ? [] : [id]);
    assert.equal(new Set(ids).size, ids.length);
  });
}
