/**
 * The items of a response that go into a request that continues from it. They have OpenAI's own ids, because they are sent
 * to OpenAI.
 */
import type { Item } from "../../model/items.ts";
import { answers, isLeftCall } from "../../model/left-calls.ts";
import { idOfHandedOut } from "./handed-out.ts";
import { outputItems } from "./output.ts";
import type { ResponseRecord } from "./record.ts";

/**
 * Left out: the next run reasons for itself and asks the servers for their tools. The result of an approval is in its call.
 */
const notCarried = new Set([
  "reasoning",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
]);

/** All items, in order. */
export function carriedItems(record: ResponseRecord): Item[] {
  const all = record.output ?? outputItems(record).map(({ from }) => from);
  return all.flatMap((item) => carried(item, record));
}

/** The same items by the ids that callers know. The id of a function call gives the call and its output. */
export function carriedById(record: ResponseRecord): Map<unknown, Item[]> {
  const known = new Map<unknown, Item[]>();
  for (const { item, from } of outputItems(record)) known.set(item["id"], carried(from, record));
  const handedOut = Map.groupBy(record.handed_out, ({ call_id }) => call_id);
  for (const call of record.output ?? []) {
    if (!isLeftCall(call)) continue;
    const handed = handedOut.get(String(call["call_id"]))?.shift();
    if (handed) known.set(idOfHandedOut(record, handed), carried(call, record));
  }
  return known;
}

function carried(item: Item, { output }: ResponseRecord): Item[] {
  if (notCarried.has(item.type)) return [];
  if (isLeftCall(item)) {
    const answer = output?.find((other) => answers(other, item));
    // OpenAI accepts no call without its output.
    return answer ? [item, answer] : [];
  }
  if (output?.some((other) => isLeftCall(other) && answers(item, other))) return [];
  // The request for approval that it names is not in the new request.
  return [
    typeof item["approval_request_id"] === "string" ? { ...item, approval_request_id: null } : item,
  ];
}
