/** Tools that are Postgres functions: `sqlTool()` of a profile. See supabase/schemas/30_sql_tools.sql. */
import { giveUpSqlTool, runSqlTool, type SqlToolAnswer } from "../../db/own-calls.ts";
import { persist } from "../../db/persist.ts";
import { type Change, sanitize } from "../../db/sanitize.ts";
import { isRecord } from "../../model/is-record.ts";
import { isUnavailable } from "../../platform/errors.ts";
import { describe, messageOf } from "../../platform/log.ts";
import type { SqlTool } from "../../profiles/own-tools.ts";
import { stepOfCall } from "./call-steps.ts";
import type { OwnCall, OwnResult, RunnableTool } from "./own-call.ts";
import { readInput } from "./read-arguments.ts";

const unstorable: Readonly<Record<Change, string>> = {
  characters: "they contain U+0000, or half of a surrogate pair",
  nesting: "they are nested too deep",
  size: "they are too long",
};

export function postgresTool(tool: SqlTool): RunnableTool {
  return {
    server: null,
    tool: tool.name,
    effect: tool.effect,
    records: true,
    async read(args) {
      const read = await readInput(args, tool.read);
      if ("error" in read) return read;
      if (!isRecord(read.input)) {
        return {
          error:
            "Not called: a Postgres function takes its arguments by name, so the schema must give an object",
        };
      }
      // What is called must be what the ledger has and a person was shown.
      const [changed] = sanitize(read.input).changed;
      if (changed !== undefined) {
        return { error: `Not called: Postgres cannot take the arguments: ${unstorable[changed]}` };
      }
      return {
        needsApproval: read.needsApproval,
        make: (call, signal) => make(tool, read.input, call, signal),
      };
    },
  };
}

/** How long a call may take, in ms: after that, Postgres cancels it (30_sql_tools.sql). */
const longestMs = 8_000;
/** How many calls may get no answer for that long. The first may have met a database that was away; then it is the function. */
const maxUnanswered = 2;
const tookTooLong = "Cannot finish the call: it took too long, and was undone";

/**
 * A call whose answer was lost is sent again: the second finds what the first wrote, or makes the call. A function that
 * continues after it was cancelled would never give an answer, so the worker ends the call in the ledger.
 */
async function make(
  tool: SqlTool,
  input: unknown,
  call: OwnCall,
  signal: AbortSignal,
): Promise<OwnResult> {
  const step = stepOfCall(call, "started");
  let unanswered = 0;
  let answer: SqlToolAnswer | undefined;
  const write = async () => {
    if (unanswered >= maxUnanswered) {
      answer = await giveUpSqlTool(call.key, step, tookTooLong);
      return;
    }
    const since = performance.now();
    try {
      answer = await runSqlTool(call.key, step, tool, input);
    } catch (error) {
      if (isUnavailable(error) && performance.now() - since >= longestMs) unanswered++;
      throw error;
    }
  };
  try {
    if (!await persist(write, signal) || answer === undefined) {
      return { kind: "unknown", error: "The attempt has ended, and the call was rolled back" };
    }
  } catch (error) {
    if (isUnavailable(error)) return { kind: "unknown", error: describe(error) };
    return { kind: "fatal", code: "tool_failed", message: messageOf(error) };
  }
  return answer.error === null
    ? { kind: "output", output: answer.output ?? "null" }
    : { kind: "error", error: answer.error };
}
