/** Why jobs are held for review at the end. */
import type { Sql } from "postgres";
import { z } from "zod";

const heldJob = z.object({
  profile: z.string(),
  /** Whether the call in doubt is one that the worker makes. */
  own: z.boolean(),
  mode: z.enum(["background", "synchronous"]),
  /** The error of the last attempt, and of the one before it. */
  code: z.string().nullable(),
  code_before: z.string().nullable(),
  /** Whether the attempt before it was the function's that had read the question. */
  in_place_before: z.boolean(),
  review_reason: z.string(),
});
export type HeldJob = z.infer<typeof heldJob>;

/** In words, by the error of the last attempt. */
const byCode: Readonly<Record<string, string>> = {
  background_stuck: "the response did not end in its budget",
  background_unreadable: "the response could not be read",
  background_expired: "the response was gone",
  call_uncertain: "the tool's connection failed during the call",
  repeated_call: "the model insisted on a finished call",
};

/** Why a job is held, in a few words. */
export function reasonOf(
  { own, mode, code, code_before, in_place_before, review_reason }: HeldJob,
): string {
  if (/reported late/.test(review_reason)) return "a late report of a call";
  if (code === "background_unrecorded") {
    return code_before === "worker_lost"
      ? `the ${
        in_place_before ? "function" : "worker"
      } was killed as it handed the yes over, and no webhook came`
      : "the yes got no readable answer, and no webhook came";
  }
  if (code === "worker_lost") {
    return own
      ? "the worker was killed during a call of ours"
      : "the worker was killed while OpenAI made the call";
  }
  if (code === null) return "the worker's time was up during the call";
  return byCode[code] ??
    (mode === "synchronous"
      ? "the stream was cut or ended with an error during the call"
      : "the response failed during the call");
}

/** How many jobs are held for which reason, the most frequent first. */
export async function heldByReason(sql: Sql): Promise<Record<string, number>> {
  const jobs = z.array(heldJob).parse(
    await sql`
      select j.profile, j.review_reason, a.mode, a.error_code as code, before.error_code as code_before,
        coalesce(before.worker like '%-inline-%', false) as in_place_before,
        exists (select from response_steps s
          where s.job_id = j.id and s.status = 'uncertain' and s.run_by is not null) as own
      from response_jobs_internal j join response_attempts a on a.job_id = j.id and a.number = j.attempt
        left join durable_responses.attempts before on before.job_id = j.id and before.number = j.attempt - 1
      where j.status = 'needs_review'`,
  );
  const counts = new Map<string, number>();
  for (const job of jobs) {
    const reason = `${job.profile}: ${reasonOf(job)}`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].toSorted(([, one], [, other]) => other - one));
}
