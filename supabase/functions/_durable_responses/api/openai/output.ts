import type { Item } from "../../model/items.ts";
import { itemIdOf, placeOfUpstreamId } from "../../model/ids.ts";
import { idOfHandedOut } from "./handed-out.ts";
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
 * for requests in the output would answer them again. Only servers see which tools an MCP server has.
 */
export function outputItems(record: ResponseRecord): OutputItem[] {
  const calls = callItems(record);
  if (record.output === null) return [...calls, ...openRequests(record)];
  const known = Map.groupBy(calls, ({ from }) => from["id"]);
  const taken = new Set(calls.map(({ item }) => item["id"]));
  const items = record.output.flatMap((item, index) => {
    const call = known.get(item["id"])?.shift();
    // A function that we ran is shown as a call that needs nothing more of anybody.
    if (call && item.type === "function_call") return [{ item: call.item, from: item }];
    if (answeredKinds.has(item.type)) return [];
    return call
      ? [{ item: { ...item, id: call.item["id"] }, from: item }]
      : [given(record, item, record.last_number + 1 + index, taken)];
  });
  // Left out last: an item has the same place for every caller.
  return record.with_tool_lists
    ? items
    : items.filter(({ item }) => item.type !== "mcp_list_tools");
}

/** The finished tool calls, in the order in which they finished. */
export function callItems(record: ResponseRecord): OutputItem[] {
  const taken = new Set<unknown>();
  return record.calls.map(({ number, item }) => given(record, item, number, taken));
}

/** The output as it is given out. */
export function outputOf(record: ResponseRecord): Item[] {
  return outputItems(record).map(({ item }) => item);
}

/**
 * With an id made of OpenAI's own, by which a stream has it too.
 * @param place in place of that where it has none, or one that another item has
 */
function given(
  { id }: ResponseRecord,
  item: Item,
  place: number,
  taken: Set<unknown>,
): OutputItem {
  const told = item["id"];
  const own = typeof told === "string" && told !== ""
    ? itemIdOf(id, item.type, placeOfUpstreamId(told))
    : undefined;
  const given = own === undefined || taken.has(own) ? itemIdOf(id, item.type, place) : own;
  taken.add(given);
  return { item: { ...item, id: given }, from: item };
}

function openRequests(record: ResponseRecord): OutputItem[] {
  if (record.status !== "awaiting_approval" && record.status !== "awaiting_tool_output") return [];
  return (record.waiting ?? []).map((request) => {
    const item = {
      ...(request.kind === "function_call"
        ? { type: "function_call", call_id: request.call_id, status: "completed" }
        : { type: "mcp_approval_request", server_label: request.server_label ?? "" }),
      id: request.request_id,
      name: request.tool ?? "",
      arguments: request.arguments ?? "{}",
    };
    const id = request.kind === "function_call"
      ? idOfHandedOut(record, request)
      // By its step: an answer names it.
      : itemIdOf(record.id, item.type, request.number);
    return { item: { ...item, id }, from: item };
  });
}
