import type { Item } from "../../model/items.ts";
import { answers, isLeftCall, itemOfCall } from "../../model/left-calls.ts";
import { isCallKind } from "../../model/status.ts";
import { itemIdOf, placeOfUpstreamId } from "../../model/ids.ts";
import { idOfHandedOut } from "./handed-out.ts";
import type { ResponseRecord } from "./record.ts";

/** Kinds of items that were questions and have been answered: a client that found one in the output would answer it again. */
const answeredKinds = new Set(["mcp_approval_request", "mcp_approval_response"]);
const requestKind = "mcp_approval_request";

/** An item as callers get it, with an id of ours. `from` is the same item with OpenAI's id. */
export interface OutputItem {
  item: Item;
  from: Item;
}

/**
 * A job's output items: those of the answer if there is one, otherwise what is known so far: finished tool calls, and of a job
 * that waits also the requests, and what the model said before them. Answered approvals are left out, because a client that
 * looks for requests in the output would answer them again. Only servers see which tools an MCP server has. If the record is
 * the answer to answers, it has only what followed them.
 */
export function outputItems(record: ResponseRecord): OutputItem[] {
  const items = withoutKnown(record, record.output === null ? soFar(record) : answered(record))
    // Filtered last, so that an item has the same place for every caller.
    .filter(({ item }) => record.with_tool_lists || item.type !== "mcp_list_tools");
  return record.output === null ? [...items, ...openRequests(record)] : items;
}

function soFar(record: ResponseRecord): OutputItem[] {
  return isWaiting(record) ? inOrder(record) : callItems(record);
}

/** The finished calls, and what stands between them. */
function inOrder(record: ResponseRecord): OutputItem[] {
  const calls = callItems(record);
  const between = betweenItems(record);
  const numbers = [...record.calls, ...record.between].map(({ number }) => number);
  const places = new Map([...calls, ...between].map((one, index) => [one, numbers[index] ?? 0]));
  return [...places].sort(([, a], [, b]) => a - b).map(([one]) => one);
}

function answered(record: ResponseRecord): OutputItem[] {
  const calls = callItems(record);
  const output = record.output ?? [];
  const known = Map.groupBy(calls, ({ from }) => from["id"]);
  const taken = new Set(calls.map(({ item }) => item["id"]));
  const made = output.filter(isLeftCall);
  return output.flatMap((item, index) => {
    const call = known.get(item["id"])?.shift();
    // A function that we ran is shown as a call that has already been answered.
    if (call && isLeftCall(item)) return [{ item: call.item, from: item }];
    // Calls that the caller has made are left out too, because nothing is left to do.
    if (isLeftCall(item) || made.some((call) => answers(item, call))) return [];
    if (answeredKinds.has(item.type)) return [];
    return call
      ? [{ item: { ...item, id: call.item["id"] }, from: item }]
      : [given(record, item, record.last_number + 1 + index, taken)];
  });
}

/** An API may use an item's id again: as many are left out as were known. */
function withoutKnown(
  { known, answered_number }: ResponseRecord,
  items: OutputItem[],
): OutputItem[] {
  if (answered_number === null) return items;
  const left = Map.groupBy(known, ({ id }) => id);
  return items.filter(({ from }) => left.get(String(from["id"]))?.pop() === undefined);
}

/** The ids that the reader has if they have answered: of the items that the response had when it asked, and of what it asked. */
export function knownIds(record: ResponseRecord): Set<unknown> {
  return record.answered_number === null ? new Set() : earlierIds(record);
}

/** The same, for whoever reads. */
function earlierIds(record: ResponseRecord): Set<unknown> {
  const handedOut = new Map(record.handed_out.map((call) => [call.number, call]));
  return new Set(record.known.map(({ number, kind, id }) => {
    const call = handedOut.get(number);
    if (call) return idOfHandedOut(record, call);
    return itemIdOf(record.id, kind, kind === requestKind ? number : placeOfUpstreamId(id));
  }));
}

/** What the response had when it asked what was answered last. It is known, also while a run continues. */
export function earlierItems(record: ResponseRecord): OutputItem[] {
  const earlier = earlierIds(record);
  return (record.output === null ? inOrder(record) : answered(record)).filter(({ item }) =>
    earlier.has(item["id"]) && (record.with_tool_lists || item.type !== "mcp_list_tools")
  );
}

/** What stands between the calls of a job that waits: reasoning, messages, searches. */
export function betweenItems(record: ResponseRecord): OutputItem[] {
  const taken = new Set<unknown>();
  return record.between.map(({ number, item }) => given(record, item, number, taken));
}

/** The finished tool calls, in the order in which they finished. */
export function callItems(record: ResponseRecord): OutputItem[] {
  const taken = new Set<unknown>();
  return record.calls.map(({ number, item }) => given(record, item, number, taken));
}

/** The output as callers get it. */
export function outputOf(record: ResponseRecord): Item[] {
  return outputItems(record).map(({ item }) => item);
}

/**
 * With an id derived from OpenAI's own, which the stream uses too.
 * @param place used instead if the item has none, or the same id as another item
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
  if (!isWaiting(record)) return [];
  return (record.waiting ?? []).map((request) => {
    const { kind, request_id, number } = request;
    const said = { tool: request.tool ?? "", arguments: request.arguments ?? "{}" };
    if (isCallKind(kind)) {
      const call = itemOfCall({ kind, callId: request.call_id ?? "", ...said });
      const id = idOfHandedOut(record, request);
      return { item: { ...call, id }, from: { ...call, id: request_id } };
    }
    const { tool: name, arguments: args } = said;
    const server_label = request.server_label ?? "";
    const item = { type: requestKind, server_label, name, arguments: args };
    // By its step: an answer names it.
    const id = itemIdOf(record.id, item.type, number);
    return { item: { ...item, id }, from: { ...item, id: request_id } };
  });
}

function isWaiting({ status }: ResponseRecord): boolean {
  return status === "awaiting_approval" || status === "awaiting_tool_output";
}
