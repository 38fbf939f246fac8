/**
 * A no that a library says twice: as the answer to the request for approval, and right after it as the output of a call that
 * nobody was asked to make, with a call_id of the library's own. The AI SDK's chats do this with a call of an MCP server. The
 * output has what the person wrote, and nothing else that is new.
 */
import { isAnswerType } from "../../model/left-calls.ts";
import { placeOfItem } from "../../model/ids.ts";

type Item = Record<string, unknown>;

/** Longest reason that is taken over, as in an answer. */
const longestReason = 1000;

/** Whether an output stands right after a no to a request of ours. It says the same, unless its call is known. */
export function standsAfterNo(input: readonly Item[], at: number): boolean {
  const [before, item] = [input[at - 1], input[at]];
  return before !== undefined && item?.["type"] === "function_call_output" &&
    before["type"] === "mcp_approval_response" && before["approve"] === false &&
    placeOfItem(String(before["approval_request_id"])) !== undefined && !hasCall(input, item);
}

/** What the person wrote. */
export function reasonIn({ output }: Item): string | undefined {
  return typeof output === "string" && output !== "" ? output.slice(0, longestReason) : undefined;
}

function hasCall(input: readonly Item[], { call_id }: Item): boolean {
  return input.some((item) => !isAnswerType(item["type"]) && item["call_id"] === call_id);
}
