import { isAnswerType } from "../../model/left-calls.ts";
import type { CreateBody } from "./create-body.ts";

/** An item, and its place in the input. */
export interface Placed {
  at: number;
  item: Record<string, unknown>;
}

/** What a request answers, among the history that libraries send with it. */
export interface AnswerItems {
  /** A person's answers, from the whole input: each names its request by an id that is used once. */
  approvals: Placed[];
  /** Outputs of calls since the caller's last message. A call's id may occur again in an earlier turn. */
  outputs: Placed[];
  /** Where the caller's last message ends. */
  since: number;
  /** Where the last answers begin that stand side by side: these are new, or a repeat of what was new. */
  last: number;
}

/**
 * The answers in a request that answers instead of asking: no message follows the last one. Answers that are followed by a
 * message are history.
 */
export function answerItems(input: CreateBody["input"]): AnswerItems | undefined {
  if (!Array.isArray(input)) return undefined;
  const end = input.findLastIndex(isAnswer);
  if (end < 0 || input.slice(end).some(({ role }) => role !== undefined)) return undefined;
  // The model's own messages may stand between the calls of one turn.
  const since = input.findLastIndex(({ role }) => role !== undefined && role !== "assistant") + 1;
  const last = input.findLastIndex((item, at) => at < end && !isAnswer(item)) + 1;
  const placed = input.map((item, at) => ({ at, item }));
  return {
    approvals: placed.filter(({ item }) => isApproval(item)),
    outputs: placed.filter(({ at, item }) => at >= since && isAnswer(item) && !isApproval(item)),
    since,
    last,
  };
}

function isApproval({ type }: Placed["item"]): boolean {
  return type === "mcp_approval_response";
}

function isAnswer(item: Placed["item"]): boolean {
  return isApproval(item) || isAnswerType(item["type"]);
}
