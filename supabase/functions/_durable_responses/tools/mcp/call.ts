/** A call of a server's tool, and what its end means. */
import { isRecord } from "../../model/lenient.ts";
import { maskCredentials, redact } from "../../platform/redact.ts";
import type { OwnResult, RunnableTool } from "../own/own-call.ts";
import type { ListedTool } from "./listed-tool.ts";
import { AnswerTooLarge, CallRefused } from "./server.ts";
import type { McpSession } from "./session.ts";
import { readResult } from "./tool-output.ts";

/** A listed tool, as a run can use it. */
export function runnableTool(
  server: string,
  listed: ListedTool,
  session: McpSession,
  needsApproval: () => Promise<boolean>,
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
    read: (args) =>
      Promise.resolve(readArguments(args)).then((read) =>
        "error" in read ? read : {
          needsApproval,
          make: (_call, signal) => makeCall(session, listed.name, read.input, signal),
        }
      ),
  };
}

/** What the server checks by its schema is not checked here: its own words help the model most. */
function readArguments(args: string): { input: Record<string, unknown> } | { error: string } {
  const none = { error: `The arguments must be a JSON object: they are ${args.slice(0, 100)}` };
  try {
    const input: unknown = args.trim() === "" ? {} : JSON.parse(args);
    return isRecord(input) ? { input } : none;
  } catch (error) {
    if (error instanceof SyntaxError) return none;
    throw error;
  }
}

async function makeCall(
  session: McpSession,
  tool: string,
  input: Record<string, unknown>,
  signal: AbortSignal,
): Promise<OwnResult> {
  try {
    const { text, parts, isError } = readResult(await session.call(tool, input, { signal }));
    if (isError) return { kind: "error", error: redact(text === "" ? "the tool failed" : text) };
    return { kind: "output", output: maskCredentials(text), ...(parts ? { parts } : {}) };
  } catch (error) {
    return ofFailure(error);
  }
}

/** Whether it was made is what counts: only a clear no is a no. */
function ofFailure(error: unknown): OwnResult {
  const message = redact(error instanceof Error ? error.message : String(error));
  if (error instanceof CallRefused) {
    return { kind: "error", error: `The call was not made: ${message}` };
  }
  if (error instanceof AnswerTooLarge) {
    return { kind: "error", error: `The call was made, but ${message}; ask for less` };
  }
  return { kind: "unknown", error: `Nobody knows whether the call was made: ${message}` };
}
