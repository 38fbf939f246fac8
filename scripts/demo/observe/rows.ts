/** What the demo reads from the product's tables. */
import type { Sql } from "postgres";
import { z } from "zod";
import { internalAttemptRows, internalJobs } from "../../../packages/dev/postgres/internal-rows.ts";
import { jobStatuses } from "../../../supabase/functions/_durable_responses/model/status.ts";

const time = z.iso.datetime({ offset: true, local: true }).transform((text) => Date.parse(text));
const optionalTime = time.nullable();
const text = z.string().nullable();

const jobRow = z.object({
  id: z.uuid(),
  status: z.enum(jobStatuses),
  profile: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  route: z.string(),
  attempt: z.number(),
  leased_by: text,
  leased_until: optionalTime,
  fallback_reason: text,
  review_reason: text,
  error_code: text,
  error_message: text,
  output_text: text,
  created_at: time,
  updated_at: time,
  finished_at: optionalTime,
});
const attemptRow = z.object({
  job_id: z.uuid(),
  number: z.number(),
  mode: z.enum(["background", "synchronous"]),
  worker: text,
  response_id: text,
  outcome: text,
  error_code: text,
  error_message: text,
  cancel_pending: z.boolean(),
  started_at: time,
  finished_at: optionalTime,
});
const stepRow = z.object({
  job_id: z.uuid(),
  number: z.number(),
  attempt: z.number(),
  item_id: z.string(),
  kind: z.string(),
  status: z.string(),
  effect: text,
  server_label: text,
  tool: text,
  run_by: text,
  arguments: text,
  error: text,
  answer: z.record(z.string(), z.unknown()).nullable(),
  answered_by: text,
  answered_at: optionalTime,
  started_at: time,
  finished_at: optionalTime,
});
const routeRow = z.object({
  route: z.string(),
  breaker: z.enum(["closed", "open", "half_open"]),
  background_failures: z.number(),
  probe_at: optionalTime,
  paused_until: optionalTime,
  pause_reason: text,
  updated_at: time,
});
const rows = z.object({
  jobs: z.array(jobRow),
  attempts: z.array(attemptRow),
  steps: z.array(stepRow),
  routes: z.array(routeRow),
});

export type JobRow = z.infer<typeof jobRow>;
export type AttemptRow = z.infer<typeof attemptRow>;
export type StepRow = z.infer<typeof stepRow>;
export type RouteRow = z.infer<typeof routeRow>;
/** The tables at one moment. Times are in ms since 1970. */
export type Rows = z.infer<typeof rows>;

/** Reads all of them in one statement, so that they are consistent. */
export async function readRows(sql: Sql): Promise<Rows> {
  const [found] = await sql`
    select
      (select coalesce(json_agg(j order by j.id), '[]') from ${sql(internalJobs)} j) as jobs,
      (select coalesce(json_agg(a order by a.started_at, a.number), '[]') from ${
    sql(internalAttemptRows)
  } a) as attempts,
      (select coalesce(json_agg(s order by s.job_id, s.number), '[]') from public.response_steps s) as steps,
      (select coalesce(json_agg(r), '[]') from public.response_routes r) as routes`;
  return rows.parse(found);
}

/** The job with this id, which must exist. */
export function jobOf({ jobs }: Rows, id: string): JobRow {
  const job = jobs.find((each) => each.id === id);
  if (!job) throw new Error(`Cannot find job ${id} in response_jobs`);
  return job;
}

export function attemptsOf({ attempts }: Rows, id: string): AttemptRow[] {
  return attempts.filter((attempt) => attempt.job_id === id);
}

/** A job's tool calls, in the order they came. */
export function callsOf({ steps }: Rows, id: string): StepRow[] {
  return steps.filter((step) => step.job_id === id && isCall(step));
}

/** A call, whoever makes it. */
export function isCall({ kind, run_by }: StepRow): boolean {
  return kind === "mcp_call" || run_by !== null;
}
