import type { InputItem } from "../request/items.ts";
import { callIdOf, isAnswer, isLeftCall, type LeftCall } from "../request/left-calls.ts";
import { messageText } from "../request/items.ts";
import type { DoneCall } from "./done-call.ts";
import { fieldsOf, outputOf, plainArguments, toolNameOf } from "./left-call.ts";
import { jsonOrText, outcomeOf, toolRecords } from "./records.ts";

/** A call that a person said yes to, and that has not been made. */
export interface ApprovedCall {
  requestId: string;
  server: string;
  tool: string;
  arguments: unknown;
}

/** What the model knows of what has been done for the query. */
export interface History {
  calls: DoneCall[];
  approved: ApprovedCall[];
  reasons: number;
  texts: string[];
  searches: number;
  sleeps: number;
}

/** A status that says that an item was cut off before its end. */
const unfinished = new Set(["in_progress", "calling", "incomplete"]);
const finished = new Set(["completed", "failed"]);

/** The last user message: what the model is asked. */
export function queryOf(input: readonly InputItem[]): string {
  const last = input.findLast((item) => item.type === "message" && item.role === "user");
  return last?.type === "message" ? messageText(last) : "";
}

/**
 * Reads the whole input. What counts as done: tool calls that have an output or an error, answered
 * approval requests, the reasoning, messages and searches after the last user message, and the
 * records in developer and system messages (see records.ts).
 */
export function readHistory(input: readonly InputItem[]): History {
  const history: History = {
    calls: [],
    approved: [],
    reasons: 0,
    texts: [],
    searches: 0,
    sleeps: 0,
  };
  const start = input.findLastIndex((item) => item.type === "message" && item.role === "user");
  for (const [index, item] of input.entries()) {
    if (item.type === "message" && (item.role === "developer" || item.role === "system")) {
      history.calls.push(...toolRecords(messageText(item)));
    }
    if (index <= start) continue;
    if (item.type === "mcp_call") noteCall(history, item);
    if (isLeftCall(item)) noteLeftCall(history, item, input);
    if (item.type === "mcp_approval_response") noteAnswer(history, item, input);
    if (item.type === "reasoning") history.reasons += 1;
    if (item.type === "web_search_call") history.searches += 1;
    if (item.type === "message" && item.role === "assistant" && item.status !== "incomplete") {
      history.texts.push(messageText(item));
    }
  }
  return history;
}

function noteCall(history: History, item: Extract<InputItem, { type: "mcp_call" }>): void {
  const outcome = outcomeOf(item);
  const status = item.status ?? "";
  const ended = outcome.output !== undefined ||
    !unfinished.has(status) && (outcome.error !== undefined || finished.has(status));
  if (!ended) return;
  history.calls.push({
    server: item.server_label,
    tool: item.name,
    arguments: jsonOrText(item.arguments),
    ...outcome,
  });
  history.approved = history.approved.filter(({ requestId }) =>
    requestId !== item.approval_request_id
  );
}

/** What stands for the server of a function, or of another tool: whoever asked calls it. */
export const callersOwn = "";

function noteLeftCall(history: History, call: LeftCall, input: readonly InputItem[]): void {
  const answer = input.filter(isAnswer).find((item) =>
    item.type === `${call.type}_output` && callIdOf(item) === call.call_id
  );
  if (answer === undefined) return;
  const tool = toolNameOf(call);
  history.calls.push({
    server: callersOwn,
    tool,
    arguments: call.type === "function_call"
      ? jsonOrText(call.arguments)
      : plainArguments(tool, fieldsOf(call)),
    ...outcomeOf({ output: outputOf(answer) }),
  });
}

function noteAnswer(
  history: History,
  answer: Extract<InputItem, { type: "mcp_approval_response" }>,
  input: readonly InputItem[],
): void {
  const request = input.find((item) => item.id === answer.approval_request_id);
  if (request?.type !== "mcp_approval_request") return;
  const call = {
    server: request.server_label,
    tool: request.name,
    arguments: jsonOrText(request.arguments),
  };
  if (!answer.approve) {
    history.calls.push({ ...call, denied: answer.reason ?? "no reason given" });
    return;
  }
  const made = input.some((item) =>
    item.type === "mcp_call" && item.approval_request_id === answer.approval_request_id
  );
  if (!made) history.approved.push({ requestId: answer.approval_request_id, ...call });
}
