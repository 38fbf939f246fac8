/** What a response says about what it did. */
import { isApprovalRequest, type Item } from "./items.ts";
import type { UpstreamResponse } from "./upstream-response.ts";

/** Items that a run produces along the way, and nobody asked for. */
const onTheWay = new Set(["reasoning", "message", "mcp_list_tools", "compaction", "unknown"]);

/** True for a response without text, and without anything else that was done or made. */
export function isEmpty({ output, outputText }: UpstreamResponse): boolean {
  return outputText.trim() === "" && output.every(({ type }) => onTheWay.has(type));
}

/**
 * Whether a call that a final response does not show was not made. What cannot be read says nothing. A run that ended by
 * itself did something after a yes: it called, answered, declined, or asked. One that shows nothing of that hides it. One that
 * was cancelled may have started the call unseen.
 */
export function showsWhatItDid(response: UpstreamResponse): boolean {
  const { status, output, outputIsList, refusal } = response;
  if (!outputIsList || !output.every(isReadable)) return false;
  return status === "failed" || status !== "cancelled" && (refusal !== null || !isEmpty(response));
}

/** False for an item that may be a call, in a form that nobody knows. */
function isReadable(item: Item): boolean {
  if (item.type === "unknown") return false;
  if (item.type === "mcp_call" || isApprovalRequest(item)) return true;
  return !(typeof item["server_label"] === "string" && typeof item["name"] === "string");
}
