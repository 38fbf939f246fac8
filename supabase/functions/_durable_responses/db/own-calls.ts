/** The SQL functions for our own calls of Postgres functions: supabase/schemas/30_sql_tools.sql. */
import type { AttemptKey } from "../model/job.ts";
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
