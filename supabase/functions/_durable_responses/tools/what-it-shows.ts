/** Whether a response shows the outcome of the calls that had their yes. What cannot be read shows nothing. */
import { callSchema, isApprovalRequest, type Item } from "../model/items.ts";
import { isAnswerType } from "../model/left-calls.ts";
import { isCallKind } from "../model/status.ts";
import type { Streamed, UpstreamResponse } from "../model/upstream-response.ts";
import { isEmpty, isOnlyWords, isPreparing, withoutUnproven } from "../model/what-was-done.ts";
import { classifyResponseError } from "../openai/classify.ts";
import { isRefusedBeforeItRan, mayBeGivenUp } from "../openai/refusal.ts";
import type { EffectRules } from "./effect-rules.ts";

/** Items that are surely not the call of an MCP server, besides the calls of others and their answers. */
const otherItems: ReadonlySet<string> = new Set([
  "message",
  "refusal",
  "reasoning",
  "compaction",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "web_search_call",
  "file_search_call",
  "image_generation_call",
  "code_interpreter_call",
  "tool_search_call",
  "tool_search_output",
  "additional_tools",
  "program",
  "program_output",
]);

/**
 * Whether a call that a final response does not show was not made. A run that ended by itself did something after a yes: it
 * answered, declined, asked, or used a tool that needs no yes. One that shows nothing of that hides it. One that was cancelled may
 * have started the call unseen. One that failed, or was cut short, may have made it, whatever else it shows: what had finished by
 * then. OpenAI makes the call first and asks the model then, and documents failed responses without output. Only an error of the
 * request itself comes before both. Words alone ("I have sent it") count only if they are the job's answer: then nothing is
 * repeated.
 * @param streamed if its events have shown nothing but preparation, it ended before any call
 */
export function showsWhatItDid(
  response: UpstreamResponse,
  { isAnswer, streamed = "not" }: { isAnswer: boolean; streamed?: Streamed },
): boolean {
  const { status, outputIsList, refusal } = response;
  if (!outputIsList) return false;
  if (status === "completed") {
    const rest = withoutUnproven(response);
    return refusal !== null || isAnswer && !isEmpty(rest) || !isOnlyWords(rest);
  }
  const isUntouched = streamed !== "touched" && response.output.every(isPreparing);
  // A model that used up its tokens while it thought.
  if (status === "incomplete") return isUntouched && streamed === "untouched";
  if (status !== "failed" || !isUntouched) return false;
  const why = classifyResponseError(response);
  return streamed === "untouched" && !mayBeGivenUp(why) || isRefusedBeforeItRan(why);
}

/**
 * Whether an item that was not recognized as one of these calls may be one all the same: it names the yes, has a form that
 * nobody knows, or is a call that needed a yes and had none.
 * @param yeses the requests for approval that were answered, by their ids
 */
export function mayBeApproved(item: Item, yeses: readonly string[], effects: EffectRules): boolean {
  const { type, approval_request_id: named } = item;
  if (type === "mcp_approval_request" || type === "mcp_approval_response") return false;
  if (typeof named === "string" && yeses.includes(named)) return true;
  const { server_label: server, name } = callSchema.parse(item);
  return isUnreadable(item) || type === "mcp_call" && effects.effectOf(server, name) === "once";
}

/** Whether a run that needs no yes for its calls, and gave no answer, hides what it did, as a response that had a yes may. */
export function hidesRun(response: UpstreamResponse, streamed: Streamed = "not"): boolean {
  return !showsWhatItDid(response, { isAnswer: false, streamed }) ||
    response.output.some(isUnreadable);
}

/** Whether an item may be a call, in a form that nobody knows. */
export function isUnreadable(item: Item): boolean {
  const { type } = item;
  if (isApprovalRequest(item)) return false;
  const { server_label: server, name } = callSchema.parse(item);
  if (type === "mcp_call") return server === "" || name === "";
  const isOther = otherItems.has(type) || isCallKind(type) || isAnswerType(type);
  return !isOther || server !== "" && name !== "";
}
