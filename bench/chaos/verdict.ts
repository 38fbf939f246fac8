import type postgres from "postgres";
import { z } from "zod";
import {
  isFinalOrPaused,
  isPaused,
  jobStatuses,
} from "../../supabase/functions/_durable_responses/model/status.ts";
import type { Wish } from "./wish.ts";

/** The counts that must be 0. */
export const mustBeZero = [
  "lost",
  "duplicate_side_effects",
  "lost_side_effects",
  "unwanted_side_effects",
  "stuck_leases",
  "double_results",
  "sql_tools_in_doubt",
  "unexplained",
] as const;

/** The counts that we make claims about. */
export interface Verdict extends Record<typeof mustBeZero[number], number> {
  accepted: number;
  completed: number;
  failed_with_reason: number;
  needs_review: number;
}

const jobRow = z.object({
  id: z.uuid(),
  profile: z.string(),
  status: z.enum(jobStatuses),
  leased_until: z.date().nullable(),
  error_code: z.string().nullable(),
  error_hint: z.string().nullable(),
  review_reason: z.string().nullable(),
  completed_attempts: z.coerce.number(),
  open_attempts: z.coerce.number(),
  /** Its profile has not been asked yet whether its calls in doubt were made. */
  may_be_answered: z.boolean(),
  /** Steps that did not finish. Their effects may be missing, and the job says so. */
  troubled_steps: z.coerce.number(),
});
export type JobRow = z.infer<typeof jobRow>;

/** Every job in its final state. */
export async function readJobs(sql: postgres.Sql): Promise<JobRow[]> {
  return z.array(jobRow).parse(
    await sql`
      select j.id, j.profile, j.status, j.leased_until, j.error_code, j.error_hint, j.review_reason,
        (select count(*) from response_attempts a where a.job_id = j.id and a.outcome = 'completed') as completed_attempts,
        (select count(*) from response_attempts a where a.job_id = j.id and a.outcome is null) as open_attempts,
        exists (select from durable_responses.doubts d where d.job_id = j.id and d.tries = 0 and d.due is not null) as may_be_answered,
        (select count(*) from response_steps s where s.job_id = j.id and (s.status <> 'finished' or s.error is not null))
          as troubled_steps
      from response_jobs_internal j`,
  );
}

/** Texts of the emails that were sent, as counted by the mailbox, and of the notes that our own tools wrote. */
export type Sent = readonly { body: string }[];

/** Counts everything that we claim. */
export function judge(wishes: readonly Wish[], jobs: readonly JobRow[], sent: Sent): Verdict {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const kept = wishes.filter(({ deleted }) => !deleted);
  const asked = kept.flatMap(({ ids }) => ids).map((id) => byId.get(id));
  const count = (test: (job: JobRow) => boolean) => jobs.filter(test).length;
  return {
    accepted: wishes.length,
    completed: count((job) => job.status === "completed"),
    failed_with_reason: count((job) => job.status === "failed" && job.error_hint !== null),
    needs_review: count(isPaused),
    lost: asked.filter((job) => job === undefined || !isFinalOrPaused(job)).length,
    duplicate_side_effects: duplicates(wishes, sent).length,
    lost_side_effects: lostEmails(kept, byId, sent).length,
    unwanted_side_effects: unwantedEmails(wishes, sent).length,
    stuck_leases: count((job) => job.leased_until !== null),
    double_results: count((job) =>
      job.completed_attempts > 1 || (job.completed_attempts === 1 && job.status !== "completed")
    ),
    // A call of a SQL tool is never in doubt: it has left its row, or has not happened.
    sql_tools_in_doubt: count(({ profile, status }) =>
      profile.startsWith("notes-sql") && status === "needs_review"
    ),
    unexplained: count(isUnexplained) +
      kept.filter(({ ids, cancelled }) =>
        !cancelled && ids.some((id) => byId.get(id)?.status === "cancelled")
      ).length,
  };
}

/** Wishes whose email was sent more than once. A retry must not repeat what was done. */
export function duplicates(wishes: readonly Wish[], sent: Sent): Wish[] {
  return wishes.filter((wish) => sentOf(wish, sent) > 1);
}

/** Wishes whose job reports success, although the mailbox has no email. */
export function lostEmails(
  wishes: readonly Wish[],
  byId: ReadonlyMap<string, JobRow>,
  sent: Sent,
): Wish[] {
  return wishes.filter((wish) => {
    const jobs = wish.ids.flatMap((id) => byId.get(id) ?? []);
    return wish.sends && wish.approval !== "withheld" && sentOf(wish, sent) === 0 &&
      jobs.some(({ status }) => status === "completed") &&
      jobs.every(({ troubled_steps }) => troubled_steps === 0);
  });
}

/** Wishes whose email nobody asked for, or nobody approved. */
export function unwantedEmails(wishes: readonly Wish[], sent: Sent): Wish[] {
  return wishes.filter((wish) =>
    (!wish.sends || wish.approval === "withheld") && sentOf(wish, sent) > 0
  );
}

function isUnexplained(job: JobRow): boolean {
  return (job.status === "failed" &&
    (job.error_hint === null || job.error_code === "worker_error")) ||
    (job.status === "needs_review" && !job.review_reason) ||
    (isFinalOrPaused(job) && job.open_attempts > 0);
}

function sentOf({ mark }: Wish, sent: Sent): number {
  return sent.filter(({ body }) => body.includes(mark)).length;
}
