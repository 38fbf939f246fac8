/** Tools that are Postgres functions: `sqlTool()` of a profile. See supabase/schemas/30_sql_tools.sql. */
import { runSqlTool, type SqlToolAnswer } from "../../db/own-calls.ts";
import { persist } from "../../db/persist.ts";
import { isRecord } from "../../model/is-record.ts";
import { isUnavailable } from "../../platform/errors.ts";
import { describe, messageOf } from "../../platform/log.ts";
import type { SqlTool } from "../../profiles/own-tools.ts";
import { stepOfCall } from "./call-steps.ts";
import type { OwnCall, OwnResult, RunnableTool } from "./own-call.ts";
import { readInput } from "./read-arguments.ts";

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
      return {
        needsApproval: read.needsApproval,
        make: (call, signal) => make(tool, read.input, call, signal),
      };
    },
  };
}

/** A call whose answer was lost is sent again: the second finds what the first wrote, or makes the call. */
async function make(
  tool: SqlTool,
  input: unknown,
  call: OwnCall,
  signal: AbortSignal,
): Promise<OwnResult> {
  let answer: SqlToolAnswer | undefined;
  try {
    const step = stepOfCall(call, "started");
    const write = async () => answer = await runSqlTool(call.key, step, tool, input);
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
