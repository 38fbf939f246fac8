/** The SQL functions for calls that OpenAI leaves to others: supabase/schemas/30_sql_tools.sql and 28_handed_out.sql. */
import type { CallAnswer } from "../model/call-answers.ts";
import type { Visibility } from "../model/caller.ts";
import { type AttemptKey, jobSchema } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import * as z from "../model/zod.ts";
import { callStoring as call } from "./call-storing.ts";
import { masked } from "./sanitize.ts";

const sqlToolAnswer = z.object({ output: z.nullable(z.string()), error: z.nullable(z.string()) });
export type SqlToolAnswer = z.infer<typeof sqlToolAnswer>;
/** Calls a Postgres function as a tool, and writes its row in the ledger, in one transaction. */
export const runSqlTool = (
  key: AttemptKey,
  step: Step,
  { function: name, as }: { function: string; as: "user" | "service" },
  args: unknown,
) =>
  call("run_sql_tool", {
    p_job_id: key.id,
    p_attempt: key.attempt,
    p_step: masked(step),
    p_function: name,
    p_arguments: args,
    p_as: as,
  }, sqlToolAnswer);

/** Ends a call of a Postgres function that gave no answer in time: with its outcome, if it has one by now, or with this error. */
export const giveUpSqlTool = (key: AttemptKey, step: Step, error: string) =>
  call("give_up_sql_tool", {
    p_job_id: key.id,
    p_attempt: key.attempt,
    p_step: masked(step),
    p_error: error,
  }, sqlToolAnswer);

/** The output of a call that the caller made. */
export const answerToolCall = (
  id: string,
  who: Visibility,
  { kind, callId, output }: CallAnswer,
) =>
  call(
    "answer_response_tool_call",
    { p_job_id: id, ...who, p_call_id: callId, p_output: output, p_kind: kind },
    jobSchema,
  );

/** The job that asked the caller for all of these calls. */
export const findToolCalls = (callIds: string[], who: Visibility) =>
  call("find_response_tool_calls", { p_call_ids: callIds, ...who }, z.nullable(z.uuid()));
