/** Whether a response has anything in it. */
import type { UpstreamResponse } from "./upstream-response.ts";

/** Items that a run produces along the way, and nobody asked for. */
const onTheWay = new Set(["reasoning", "message", "mcp_list_tools", "compaction", "unknown"]);

/** True for a response without text, and without anything else that was done or made. */
export function isEmpty({ output, outputText }: UpstreamResponse): boolean {
  return outputText.trim() === "" && output.every(({ type }) => onTheWay.has(type));
}
