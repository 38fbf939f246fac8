import type postgres from "postgres";
import { z } from "zod";
import type { Mailbox } from "../../packages/dev/mcp/mailbox.ts";
import {
  isFinalOrPaused,
  isPaused,
  jobStatuses,
} from "../../supabase/functions/_durable_responses/model/status.ts";
import type { Accepted } from "./load.ts";

/** What is claimed: the last five must be 0. */
export interface Verdict {
  accepted: number;
  completed: number;
  failed_with_reason: number;
  needs_review: number;
  lost: number;
  duplicate_side_effects: number;
  stuck_leases: number;
  double_results: number;
  unexplained: number;
}

const jobRow = z.object({
  id: z.uuid(),
  status: z.enum(jobStatuses),
  leased_until: z.date().nullable(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  error_hint: z.string().nullable(),
  review_reason: z.string().nullable(),
  completed_attempts: z.coerce.number(),
  open_attempts: z.coerce.number(),
});
export type JobRow = z.infer<typeof jobRow>;

/** Every job as it stands. */
export async function readJobs(sql: postgres.Sql): Promise<JobRow[]> {
  return z.array(jobRow).parse(
    await sql`
      select j.id, j.status, j.leased_until, j.error_code, j.error_message, j.error_hint, j.review_reason,
        (select count(*) from response_attempts a where a.job_id = j.id and a.outcome = 'completed') as completed_attempts,
        (select count(*) from response_attempts a where a.job_id = j.id and a.outcome is null) as open_attempts
      from response_jobs_internal j`,
  );
}

/** Counts what is claimed. Emails are counted by the mailbox, not by us. */
export function judge(accepted: Accepted[], jobs: JobRow[], mailbox: Mailbox): Verdict {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const mine = accepted.flatMap(({ id }) => byId.get(id) ?? []);
  const count = (test: (job: JobRow) => boolean) => jobs.filter(test).length;
  return {
    accepted: accepted.length,
    completed: count((job) => job.status === "completed"),
    failed_with_reason: count((job) => job.status === "failed" && job.error_hint !== null),
    needs_review: count(isPaused),
    lost: accepted.length - mine.filter(isFinalOrPaused).length,
    duplicate_side_effects: duplicates(accepted, mailbox).length,
    stuck_leases: count((job) => job.leased_until !== null),
    double_results: count((job) =>
      job.completed_attempts > 1 || (job.completed_attempts === 1 && job.status !== "completed")
    ),
    unexplained: count((job) =>
      (job.status === "failed" &&
        (job.error_hint === null || job.error_code === "worker_error")) ||
      (job.status === "needs_review" && !job.review_reason) ||
      (isFinalOrPaused(job) && job.open_attempts > 0)
    ) + sentWithoutTrace(accepted, byId, mailbox),
  };
}

/** Those whose email was sent more than once. */
export function duplicates(accepted: Accepted[], mailbox: Mailbox): Accepted[] {
  return accepted.filter(({ mark }) => sentOf(mark, mailbox) > 1);
}

/** A completed job that was to send an email and did not, or one that sent and should not have. */
function sentWithoutTrace(
  accepted: Accepted[],
  byId: Map<string, JobRow>,
  mailbox: Mailbox,
): number {
  return accepted.filter(({ id, mark, sends }) => {
    const sent = sentOf(mark, mailbox);
    return !sends && sent > 0 || byId.get(id)?.status === "cancelled";
  }).length;
}

function sentOf(mark: string, mailbox: Mailbox): number {
  return mailbox.sent.filter(({ body }) => body.includes(mark)).length;
}
