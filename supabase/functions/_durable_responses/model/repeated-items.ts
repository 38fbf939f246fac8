/** Items that a response lists twice: some servers list one as it was, and again as it ended. What it asks for is done once. */
import { isApprovalRequest, isUnfinished, type Item } from "./items.ts";
import { leftCallOf } from "./left-calls.ts";
import { idOf, isEqual, isLikeCall, isSameCall } from "./same-item.ts";

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
  const hasId = idOf(one) !== "";
  const left = leftCallOf(one);
  if (left !== undefined) return (hasId || left.callId !== "") && isSameCall(one, other);
  if (!hasId) return false;
  if (isApprovalRequest(one)) return isLikeCall(one, other);
  if (one.type !== "mcp_call") return isEqual(one, other);
  const { approval_request_id: asked } = one;
  return typeof asked === "string" && asked === other["approval_request_id"] &&
    isLikeCall(one, other);
}
