/** The rows of the project's tables, as far as the console reads them. */
import { z } from "zod";
import {
  attemptModes,
  attemptOutcomes,
  effects,
  type JobStatus,
  jobStatuses,
  stepStatuses,
} from "../../../client/src/generated/status.ts";

export type Status = JobStatus;

/** Milliseconds since 1970, from a timestamp in PostgREST's format. */
const time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) context.addIssue(`Cannot read '${text}' as a time`);
  return ms;
});

const attemptCore = z.object({
  number: z.number(),
  mode: z.enum(attemptModes),
  outcome: z.enum(attemptOutcomes).nullable(),
  started_at: time,
  finished_at: time.nullable(),
});
export type AttemptCore = z.infer<typeof attemptCore>;

const jobCore = z.object({
  id: z.uuid(),
  owner_id: z.string().nullable(),
  status: z.enum(jobStatuses),
  profile: z.string(),
  fallback_reason: z.string().nullable(),
  error_code: z.string().nullable(),
  created_at: time,
  updated_at: time,
  finished_at: time.nullable(),
  run_at: time.nullable(),
});

export const listedJob = jobCore.extend({
  query: z.string().nullable(),
  attempts: z.array(attemptCore),
});
export type ListedJob = z.infer<typeof listedJob>;

const attempt = attemptCore.extend({
  response_id: z.string().nullable(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  usage: z.record(z.string(), z.unknown()).nullable(),
  warnings: z.array(z.string()),
  worker: z.string().nullish(),
  request_id: z.string().nullish(),
});
export type Attempt = z.infer<typeof attempt>;

const step = z.object({
  number: z.number(),
  attempt: z.number(),
  item_id: z.string(),
  kind: z.string(),
  status: z.enum(stepStatuses),
  effect: z.enum(effects).nullable(),
  server_label: z.string().nullable(),
  tool: z.string().nullable(),
  arguments: z.string().nullable(),
  digest: z.string().nullable(),
  output: z.string().nullable(),
  error: z.string().nullable(),
  answer: z.record(z.string(), z.unknown()).nullable(),
  answered_by: z.string().nullable(),
  answered_at: time.nullable(),
  started_at: time,
  finished_at: time.nullable(),
});
export type Step = z.infer<typeof step>;

export const fullJob = jobCore.extend({
  input: z.unknown(),
  metadata: z.record(z.string(), z.unknown()),
  retry_of: z.string().nullable(),
  attempt: z.number(),
  failures: z.number(),
  max_attempts: z.number(),
  deadline: time.nullable(),
  response_id: z.string().nullable(),
  output_text: z.string().nullable(),
  output_parsed: z.unknown(),
  usage: z.record(z.string(), z.unknown()).nullable(),
  error_message: z.string().nullable(),
  error_hint: z.string().nullable(),
  answer_until: time.nullable(),
  review_reason: z.string().nullable(),
  idempotency_key: z.string().nullable(),
  route: z.string().optional(),
  leased_by: z.string().nullish(),
  attempts: z.array(attempt),
  steps: z.array(step),
});
export type FullJob = z.infer<typeof fullJob>;

export const activityRow = z.object({
  status: z.enum(jobStatuses),
  profile: z.string(),
  fallback_reason: z.string().nullable(),
  created_at: time,
  finished_at: time.nullable(),
});
export type ActivityRow = z.infer<typeof activityRow>;
/** Together with the beginning of the next page. */
export const activityRows = z.array(activityRow.extend({ id: z.uuid() }));

const healthRow = z.object({
  background: z.number(),
  queued: z.number(),
  running: z.number(),
  awaiting_approval: z.number(),
  awaiting_tool_output: z.number(),
  needs_review: z.number(),
  oldest_due_s: z.number().nullable(),
  lost_leases: z.number(),
  overdue_polls: z.number(),
  flags_24h: z.number(),
});
export type HealthRow = z.infer<typeof healthRow>;

export const routeRow = z.object({
  route: z.string(),
  breaker: z.enum(["closed", "open", "half_open"]),
  background_failures: z.number(),
  last_failure: z.string().nullable(),
  probe_at: time.nullable(),
  paused_until: time.nullable(),
  pause_reason: z.string().nullable(),
  max_running: z.number().nullable(),
  ignores_approval: z.boolean(),
  typical_ms: z.number().nullable(),
  updated_at: time,
});
export type RouteRow = z.infer<typeof routeRow>;

export const workerRow = z.object({
  id: z.string(),
  kind: z.enum(["edge", "process", "inline"]),
  started_at: time,
  seen_at: time,
});
export type WorkerRow = z.infer<typeof workerRow>;

/** The part of response_overview() about jobs, cron and pg_net. */
export const overviewRow = z.object({
  /** When the database's server started. */
  started_at: time,
  health: healthRow,
  cron: z.array(z.object({
    name: z.string(),
    schedule: z.string(),
    active: z.boolean(),
    last_status: z.string().nullable(),
    last_message: z.string().nullable(),
    last_at: time.nullable(),
  })),
  net: z.object({
    answers_1h: z.number(),
    failures_1h: z.number(),
    last_failure: z.string().nullable(),
  }),
});
export type Overview = z.infer<typeof overviewRow>;
