/** Whether a response has anything in it. */
import { isApprovalRequest, isInFlight, isUnfinished, type Item } from "./items.ts";
import { isLeftCall } from "./left-calls.ts";
import type { UpstreamResponse } from "./upstream-response.ts";

/** Items that a run produces along the way, and nobody asked for. */
const onTheWay = new Set(["reasoning", "message", "mcp_list_tools", "compaction", "unknown"]);

/** True for a response without text, and without anything else that was done or made. */
export function isEmpty({ outputText, output }: UpstreamResponse): boolean {
  return outputText.trim() === "" &&
    output.every((item) => onTheWay.has(item.type) || isFailedImage(item) || isOpenCall(item));
}

/** A call that has not come to an end has made nothing. */
function isOpenCall(item: Item): boolean {
  return item.type === "mcp_call" && isInFlight(item);
}

function isFailedImage({ type, status, result }: Item): boolean {
  return type === "image_generation_call" && status === "failed" && (result ?? "") === "";
}

/** True for a response in which nothing was done or made, whatever it says. */
export function isOnlyWords({ output }: UpstreamResponse): boolean {
  return output.every(({ type }) => onTheWay.has(type));
}

/** Items that come before a call may be made. */
const preparations: ReadonlySet<string> = new Set(["mcp_list_tools", "reasoning", "compaction"]);

/** Whether an item comes before any call. Whatever else a response shows says that its error came later. */
export function isPreparing(item: Item): boolean {
  return preparations.has(item.type) && !("arguments" in item) && !("approval_request_id" in item);
}

/**
 * A response without what proves nothing about a call that it does not show: calls of MCP servers, which may have had a yes, too, and
 * what has not come to an end, or failed. What it asks for stays.
 */
export function withoutUnproven(response: UpstreamResponse): UpstreamResponse {
  const output = response.output.filter((item) =>
    isApprovalRequest(item) || isLeftCall(item) ||
    item.type !== "mcp_call" && !isUnfinished(item) && item["status"] !== "failed"
  );
  return { ...response, output };
}
