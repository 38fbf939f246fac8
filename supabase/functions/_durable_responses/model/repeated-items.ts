/** Items that a response lists twice: some servers list one as it was, and again as it ended. What it asks for is done once. */
import { canonicalJson } from "./canonical.ts";
import { callSchema, isApprovalRequest, isUnfinished, type Item } from "./items.ts";
import { leftCallOf } from "./left-calls.ts";

/** The items, each once: of those that are the same, the first one that has ended. */
export function withoutRepeats(output: readonly Item[]): Item[] {
  const kept: Item[] = [];
  for (const item of output) {
    const at = kept.findIndex((other) => isSameItem(other, item));
    const before = kept[at];
    if (before === undefined) kept.push(item);
    else if (isUnfinished(before) && !isUnfinished(item)) kept[at] = item;
  }
  return kept;
}

/**
 * Whether two items of one response are the same. An id alone does not say so, because some servers repeat theirs. Of calls, and of
 * questions about them, what they ask for must be the same, of anything else all. Equal calls of OpenAI's that name no request
 * may both have been made.
 */
export function isSameItem(one: Item, other: Item): boolean {
  if (one.type !== other.type || (one["id"] ?? "") !== (other["id"] ?? "")) return false;
  const hasId = typeof one["id"] === "string" && one["id"] !== "";
  const [left, same] = [leftCallOf(one), leftCallOf(other)];
  if (left !== undefined && same !== undefined) {
    return (hasId || left.callId !== "") && left.callId === same.callId &&
      left.tool === same.tool && canonicalJson(left.arguments) === canonicalJson(same.arguments);
  }
  if (!hasId) return false;
  if (one.type === "mcp_call") {
    const { approval_request_id: asked } = one;
    return typeof asked === "string" && asked === other["approval_request_id"] &&
      asksForTheSame(one, other);
  }
  if (isApprovalRequest(one)) return asksForTheSame(one, other);
  return JSON.stringify(one) === JSON.stringify(other);
}

function asksForTheSame(one: Item, other: Item): boolean {
  const [call, same] = [callSchema.parse(one), callSchema.parse(other)];
  return call.server_label === same.server_label && call.name === same.name &&
    canonicalJson(call.arguments) === canonicalJson(same.arguments);
}
