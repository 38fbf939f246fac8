/** A call of a server's tool, and what its outcome means. */
import { isRecord } from "../../model/is-record.ts";
import type { Effect } from "../../model/status.ts";
import { messageOf } from "../../platform/log.ts";
import { maskCredentials, redact } from "../../platform/redact.ts";
import type { OutputPart, OwnResult, ReadyCall, RunnableTool } from "../own/own-call.ts";
import { readInput } from "../own/read-arguments.ts";
import type { ListedTool } from "./listed-tool.ts";
import { AnswerTooLarge, AnswerUnfit, CallRefused, saysUnfit } from "./server.ts";
import type { McpSession } from "./session.ts";
import { readResult } from "./tool-output.ts";

/** A listed tool in the form that a run can use. */
export function runnableTool(
  server: string,
  listed: ListedTool,
  session: McpSession,
  needsApproval: (args: string) => Promise<boolean>,
): RunnableTool {
  return {
    server,
    tool: listed.name,
    effect: listed.annotations?.["readOnlyHint"] === true
      ? "none"
      : listed.annotations?.["idempotentHint"] === true
      ? "idempotent"
      : undefined,
    records: false,
    read: (args) => readInput(args, (input) => Promise.resolve(readyCall(input))),
  };

  /** The server checks the input against its schema, so we do not: its own error helps the model most. */
  function readyCall(input: unknown): { error: string } | ReadyCall {
    if (!isRecord(input)) return { error: "The arguments must be a JSON object" };
    return {
      needsApproval: () => needsApproval(JSON.stringify(input)),
      make: ({ effect }, signal) => makeCall(session, listed.name, input, effect, signal),
    };
  }
}

async function makeCall(
  session: McpSession,
  tool: string,
  input: Record<string, unknown>,
  effect: Effect,
  signal: AbortSignal,
): Promise<OwnResult> {
  try {
    const { text, parts, isError } = readResult(await session.call(tool, input, { signal }));
    if (isError && saysUnfit(text)) throw new AnswerUnfit(text);
    if (isError) return { kind: "error", error: redact(text === "" ? "the tool failed" : text) };
    return {
      kind: "output",
      output: maskCredentials(text),
      ...(parts ? { parts: parts.map(masked) } : {}),
    };
  } catch (error) {
    return ofFailure(error, effect);
  }
}

/** Only text is masked: in the data of an image or file, a credential's text could occur only by chance. */
function masked(part: OutputPart): OutputPart {
  switch (part.type) {
    case "input_text":
      return { ...part, text: maskCredentials(part.text) };
    case "input_file":
      return { ...part, filename: maskCredentials(part.filename) };
    case "input_image":
      return part;
  }
}

/** What counts is whether the call was made. Only a clear refusal means that it was not. */
function ofFailure(error: unknown, effect: Effect): OwnResult {
  const message = redact(messageOf(error));
  if (error instanceof CallRefused) {
    return { kind: "error", error: `The call was not made: ${message}` };
  }
  if (error instanceof AnswerTooLarge) {
    return ofMade(`The call was made, but ${message}; ask for less`, effect);
  }
  if (error instanceof AnswerUnfit) {
    return ofMade(`The call was made, but its server refused its own answer: ${message}`, effect);
  }
  return { kind: "unknown", error: message };
}

/** The message for a call that must not be made twice must not read as if it had not been made. */
function ofMade(told: string, effect: Effect): OwnResult {
  return effect === "once"
    ? { kind: "output", output: JSON.stringify({ done: true, error: told }) }
    : { kind: "error", error: told };
}
