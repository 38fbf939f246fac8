/** Whether a response has anything in it. */
import { isInFlight, type Item } from "./items.ts";
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
