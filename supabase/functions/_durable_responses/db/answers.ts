/** The SQL functions that take answers to what a job asks: supabase/schemas/35_answers.sql and 28_handed_out.sql. */
import type { CallAnswer } from "../model/call-answers.ts";
import type { Visibility } from "../model/caller.ts";
import { jobSchema } from "../model/job.ts";
import * as z from "../model/zod.ts";
import { RequestError } from "../platform/errors.ts";
import { callStoring as call } from "./call-storing.ts";
import type { Seen } from "./jobs.ts";

/** A person's yes or no. */
export interface Approval extends Seen {
  approve: boolean;
  reason?: string | undefined;
  /** The step of the request: an API may use a request's id again. */
  number?: number | undefined;
}
export type Answer = Approval | CallAnswer;

/** All answers are accepted, or none. */
export const answerJob = (id: string, who: Visibility, answers: Answer[]) =>
  call("answer_response_job", { p_job_id: id, ...who, p_answers: answers.map(asSql) }, jobSchema);

function asSql(answer: Answer) {
  if (!("callId" in answer)) return answer;
  const { callId: call_id, kind, output, parts } = answer;
  return { call_id, kind, output, ...(parts && { parts }) };
}

const refusedDetail = z.looseObject({ details: z.string().check(z.regex(/^answers\[\d+\]$/)) });

/** Which of the answers a refusal is about, counted from 0; undefined if it is about the job. */
export function refusedAnswer(error: unknown): number | undefined {
  if (!(error instanceof RequestError)) return undefined;
  const found = refusedDetail.safeParse(error.cause);
  return found.success ? Number(found.data.details.slice("answers[".length, -1)) : undefined;
}

/**
 * The jobs that asked the caller for these calls: one for each call that is known.
 * @param preferred if several jobs asked for a call of this id
 */
export const findToolCalls = (
  callIds: string[],
  who: Visibility,
  preferred: string | undefined,
) =>
  call(
    "find_response_tool_calls",
    { p_call_ids: callIds, ...who, p_job_id: preferred ?? null },
    z.array(z.object({
      call_id: z.string(),
      job_id: z.uuid(),
      waits: z.boolean(),
      /** The steps: an API may use the id again. */
      numbers: z.array(z.int()),
    })),
  );
