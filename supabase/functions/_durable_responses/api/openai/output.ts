import type { Item } from "../../model/items.ts";
import { itemIdOf } from "./ids.ts";
import type { ResponseRecord } from "./record.ts";

/** What was asked and is answered. Of calls that were handed out too: who finds one in the output would make it again. */
const answeredKinds = new Set([
  "mcp_approval_request",
  "mcp_approval_response",
  "function_call",
  "function_call_output",
]);

/** An item as it is given out, with an id of ours; `from` is the same with OpenAI's. */
export interface OutputItem {
  item: Item;
  from: Item;
}

/**
 * A job's output items: the answer's when there is one, else what is known so far, tool calls that are done
 * and requests that wait for approval. Approvals that are answered are left out: a client that looks
 * for requests in the output would answer them again.
 */
export function outputItems(record: ResponseRecord): OutputItem[] {
  const calls = callItems(record);
  if (record.output === null) return [...calls, ...openRequests(record)];
  const known = new Map(calls.map((call) => [call.from["id"], call]));
  return record.output.flatMap((item, index) => {
    const call = known.get(item["id"]);
    // A function that we ran is shown as a call that needs nothing more of anybody.
    if (call && item.type === "function_call") return [{ item: call.item, from: item }];
    if (answeredKinds.has(item.type)) return [];
    const place = record.last_number + 1 + index;
    return call
      ? [{ item: { ...item, id: call.item["id"] }, from: item }]
      : [given(record, item, place)];
  });
}

/** The finished tool calls, in the order in which they finished. */
export function callItems(record: ResponseRecord): OutputItem[] {
  return record.calls.map(({ number, item }) => given(record, item, number));
}

/** The output as it is given out. */
export function outputOf(record: ResponseRecord): Item[] {
  return outputItems(record).map(({ item }) => item);
}

function given({ id }: ResponseRecord, item: Item, place: number): OutputItem {
  return { item: { ...item, id: itemIdOf(id, item.type, place) }, from: item };
}

function openRequests(record: ResponseRecord): OutputItem[] {
  if (record.status !== "awaiting_approval" && record.status !== "awaiting_tool_output") return [];
  return (record.waiting ?? []).map((request) =>
    given(record, {
      ...(request.kind === "function_call"
        ? { type: "function_call", call_id: request.call_id, status: "completed" }
        : { type: "mcp_approval_request", server_label: request.server_label ?? "" }),
      id: request.request_id,
      name: request.tool ?? "",
      arguments: request.arguments ?? "{}",
    }, request.number)
  );
}
