/** Jobs and attempts as they are in the database. */
import type { Sql } from "postgres";
import { z } from "zod";
import { finalStatuses } from "../../supabase/functions/_durable_responses/model/status.ts";
import { internalAttempts, internalJob } from "./job-state.ts";

const jobRow = z.object({
  id: z.uuid(),
  owner_id: z.uuid().nullable(),
  status: z.string(),
  attempt: z.number(),
  failures: z.number(),
  fallback_reason: z.string().nullable(),
  response_id: z.string().nullable(),
  run_at: z.date().nullable(),
  leased_by: z.string().nullable(),
  output_text: z.string().nullable(),
  output_parsed: z.unknown(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
});
export type JobRow = z.infer<typeof jobRow>;

const attemptRow = z.object({
  number: z.number(),
  mode: z.string(),
  worker: z.string().nullable(),
  outcome: z.string().nullable(),
  error_code: z.string().nullable(),
  response_id: z.string().nullable(),
  cancel_pending: z.boolean(),
});
export type AttemptRow = z.infer<typeof attemptRow>;

export async function readJob(sql: Sql, id: string): Promise<JobRow> {
  return jobRow.parse(await internalJob(sql, id));
}

export async function readAttempts(sql: Sql, id: string): Promise<AttemptRow[]> {
  return z.array(attemptRow).parse(await internalAttempts(sql, id));
}

/** One line for each attempt, to compare: `background failed openai_server_error`. */
export async function summarizeAttempts(sql: Sql, id: string): Promise<string[]> {
  return (await readAttempts(sql, id)).map(({ mode, outcome, error_code }) =>
    [mode, outcome ?? "under way", error_code].filter(Boolean).join(" ")
  );
}

export async function countJobs(sql: Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as count from public.response_jobs`;
  return z.object({ count: z.number() }).parse(row).count;
}

export function isFinal({ status }: JobRow): boolean {
  return finalStatuses.some((final) => final === status);
}
