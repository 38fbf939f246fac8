import type { Item } from "../../model/items.ts";
import { itemIdOf } from "./ids.ts";
import type { ResponseRecord } from "./record.ts";

const approvalKinds = new Set(["mcp_approval_request", "mcp_approval_response"]);

/** An item as it is given out, with an id of ours; `from` is the same with OpenAI's. */
export interface OutputItem {
  item: Item;
  from: Item;
}

/**
 * A job's output items: the answer's when there is one, else what is known so far, tool calls that are done
 * and requests that wait for approval. Approvals that are answered are left out: a client that looks
 * for requests in the output would answer them again. What tools a server has is told to servers only.
 */
export function outputItems(record: ResponseRecord): OutputItem[] {
  const calls = callItems(record);
  if (record.output === null) return [...calls, ...openRequests(record)];
  const known = new Map(calls.map((call) => [call.from["id"], call]));
  const items = record.output.filter((item) => !approvalKinds.has(item.type)).map((item, index) => {
    const call = known.get(item["id"]);
    const place = record.last_number + 1 + index;
    return call
      ? { item: { ...item, id: call.item["id"] }, from: item }
      : given(record, item, place);
  });
  // Left out last: an item has the same place for whoever asks.
  return record.with_tool_lists
    ? items
    : items.filter(({ item }) => item.type !== "mcp_list_tools");
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
  if (record.status !== "awaiting_approval") return [];
  return (record.waiting ?? []).map((request) =>
    given(record, {
      type: "mcp_approval_request",
      id: request.request_id,
      server_label: request.server_label ?? "",
      name: request.tool ?? "",
      arguments: request.arguments ?? "{}",
    }, request.number)
  );
}
