/** For each named check constraint of a table or type, and each rule of a guard: rows that break only this one. */
import { type Columns, type StoredJob, storedJob } from "../../support/job-rows.ts";
import {
  finalStatuses,
  type JobStatus,
  jobStatuses,
} from "../../../supabase/functions/_durable_responses/model/status.ts";

export interface Case {
  constraint: string;
  /** Named with its schema. */
  table: string;
  row: Columns;
  /** What must exist before: the job that a wait, an attempt or a step belongs to. */
  job?: Columns;
}

const time = "2030-01-01T12:00:00Z";
const isOneOf = (...statuses: JobStatus[]) => (status: JobStatus) => statuses.includes(status);
const isFinal = isOneOf(...finalStatuses);

function job(constraint: string, status: JobStatus, columns: Columns): Case {
  const row = { ...storedJob(status).job, ...columns };
  return { constraint: `jobs_${constraint}`, table: "durable_responses.jobs", row };
}

function statusesWithout(leftOut: (status: JobStatus) => boolean): JobStatus[] {
  return jobStatuses.filter((status) => !leftOut(status));
}

const jobCases: Case[] = [
  job("profile_length", "queued", { profile: "" }),
  job("profile_length", "queued", { profile: "p".repeat(65) }),
  job("input_or_request", "queued", { input: null }),
  job("input_or_request", "queued", { request: { model: "gpt-6.1-sol" } }),
  job("metadata_object", "queued", { metadata: [1] }),
  job("key_length", "queued", { idempotency_key: "" }),
  job("key_length", "queued", { idempotency_key: "k".repeat(256) }),
  job("priority", "queued", { priority: 101 }),
  job("priority", "queued", { priority: -101 }),
  job("attempts", "queued", { max_attempts: 0 }),
  job("attempts", "queued", { max_attempts: 101 }),
  job("budgets", "queued", { deadline_ms: 0 }),
  job("budgets", "queued", { approval_ms: 0 }),
  job("budgets", "queued", { review_ms: 0 }),
  job("intervals", "queued", { poll_ms: 0 }),
  job("intervals", "queued", { backoff_base_ms: 0 }),
  job("intervals", "queued", { backoff_cap_ms: 0 }),
  job("on_uncertain", "queued", { on_uncertain: "guess" }),
  job("budgets", "queued", { background_ms: 0 }),
  job("guard", "queued", { guard: "never" }),
];

/** What a guard refuses: with a constraint's SQLSTATE and name, or as a transition that does not exist. */
export interface GuardCase extends Omit<Case, "constraint"> {
  constraint?: string;
  /** The change to the row after it was written. */
  then?: Columns;
}

/** The same violation for a job in every final status except some. */
function endings(
  constraint: string | undefined,
  columns: Columns,
  ...except: JobStatus[]
): GuardCase[] {
  return jobStatuses.filter(isFinal).filter((status) => !except.includes(status)).map((status) => ({
    ...(constraint && { constraint: `jobs_${constraint}` }),
    table: "durable_responses.jobs",
    row: { ...storedJob(status).job, ...columns },
  }));
}

function wait(
  constraint: string | undefined,
  status: JobStatus,
  columns: Columns,
  then?: Columns,
): GuardCase {
  const { wait, job } = storedJob(status);
  return {
    ...(constraint && { constraint: `waits_${constraint}` }),
    table: "durable_responses.waits",
    row: { ...wait, ...columns },
    job,
    ...(then && { then }),
  };
}

export const guardCases: GuardCase[] = [
  ...statusesWithout(isFinal).flatMap((status) => endings(undefined, { status })),
  ...endings(undefined, { finished_from: null }),
  ...endings("final", { finished_at: null }),
  ...endings("final", { attempt: null }),
  ...endings("final", { failures: null }),
  ...endings("completed_with_output", { output: [] }, "completed"),
  ...endings("completed_with_output", { output_text: "early" }, "completed"),
  ...endings("completed_with_output", { output_parsed: {} }, "completed"),
  ...endings("completed_with_output", { output: null }, "failed", "cancelled"),
  ...endings("failed_with_error", { error_code: "c", error_message: "m" }, "failed"),
  ...endings("failed_with_error", { error_message: "m", error_code: null }, "failed"),
  ...endings("failed_with_error", { error_hint: "h" }, "failed"),
  ...endings(
    "failed_with_error",
    { error_code: null, error_message: null },
    "completed",
    "cancelled",
  ),
  ...endings("failed_with_error", { error_message: null }, "completed", "cancelled"),
  ...finalStatuses.map((status) => wait(undefined, "queued", { status })),
  wait("one_clock", "queued", { deadline_left_ms: 1 }),
  wait("one_clock", "queued", { deadline: null }),
  wait("one_clock", "needs_review", { deadline_left_ms: null }),
  wait("worker_while_running", "queued", {}, { status: "running", attempt: 1 }),
  wait("attempt_while_under_way", "queued", {}, { status: "running", worker: "w" }),
  wait("budget_while_background", "background", { background_until: null }),
  wait("reason_while_reviewed", "needs_review", { review_reason: null }),
];

/** A row of another table: the table's name, a valid row, and the name of its job column. */
function breaking(
  table: string,
  valid: Columns,
  ofJob?: string,
): (constraint: string, columns: Columns) => Case {
  const [, prefix = ""] = table.split(".");
  return (constraint, columns) => {
    const { job } = storedJob("queued");
    const row = { ...valid, ...(ofJob && { [ofJob]: job["id"] ?? null }), ...columns };
    return { constraint: `${prefix}_${constraint}`, table, row, ...(ofJob && { job }) };
  };
}

const status = breaking("durable_responses.statuses", { status: "new_one", waits_for: "more" });
const statusCases: Case[] = [
  status("expiry", { expired_code: "c", clock_stops: true }),
  status("expiry", { expired_hint: "h", clock_stops: true }),
  status("expiry", { expired_code: "c", expired_hint: "h" }),
];

const attempt = breaking("durable_responses.attempts", {
  number: 1,
  mode: "background",
  outcome: "completed",
  started_at: time,
  finished_at: time,
}, "job_id");
const attemptCases: Case[] = [
  attempt("mode", { mode: "sideways" }),
  attempt("outcome", { outcome: "paused" }),
];

const settings = breaking("public.response_settings", { only_row: true });
const settingCases: Case[] = [
  settings("only_row", { only_row: false }),
  settings("retention", { retention_days: 0 }),
  settings("retention", { retention_days: 3651 }),
  settings("cron_history", { cron_history_days: 0 }),
  settings("cron_history", { cron_history_days: 366 }),
  settings("workers", { max_workers: 0 }),
  settings("workers", { max_workers: 1001 }),
  settings("running", { max_running: -1 }),
  settings("breaker", { breaker_failures: 0 }),
  settings("breaker", { breaker_failures: 1001 }),
  settings("breaker", { probe_interval_s: 0 }),
  settings("unfinished", { max_unfinished_per_user: 0 }),
  settings("quota_pause", { quota_pause_s: 0 }),
  settings("quota_pause", { quota_pause_s: 86_401 }),
  settings("max_delay", { max_delay_s: 0 }),
  settings("max_delay", { max_delay_s: 86_401 }),
  settings("file_bytes", { max_file_bytes: 1_048_575 }),
  settings("file_bytes", { max_file_bytes: 16_777_217 }),
];

const sentFile = breaking("durable_responses.sent_files", { path: "a", reserved_until: time });
const fileCases: Case[] = [
  sentFile("path_length", { path: "" }),
  sentFile("path_length", { path: "a".repeat(201) }),
];

const step = breaking("public.response_steps", {
  number: 1,
  attempt: 1,
  item_id: "item_1",
  kind: "reasoning",
  status: "finished",
  started_at: time,
  finished_at: time,
}, "job_id");
const stepCases: Case[] = [
  step("number", { number: 0 }),
  step("status", { status: "lost" }),
  step("effect", { kind: "mcp_call", effect: "some" }),
  step("call_has_effect", { kind: "mcp_call" }),
  step("call_has_effect", { effect: "once" }),
  step("uncertain_is_call", { status: "uncertain", finished_at: null }),
  step("waiting_is_asked", { status: "waiting", finished_at: null }),
  step("run_by", { kind: "function_call", effect: "once", run_by: "nobody" }),
  step("own_call", { kind: "function_call" }),
  step("own_call", { run_by: "worker", effect: "once" }),
  step("call_repeat", { call_repeat: -1 }),
  step("round", { round: 0 }),
  step("answer_has_author", { answer: { approve: true } }),
  step("answer_has_author", { answer: { approve: true }, answered_at: time }),
  step("answer_has_author", { answered_by: "service" }),
  step("finished_at", { finished_at: null }),
  step("finished_at", { status: "started" }),
];

const route = breaking("public.response_routes", {
  route: "default/gpt-6.1-sol/mail",
  profile: "default",
  model: "gpt-6.1-sol",
  created_at: time,
  updated_at: time,
});
const routeCases: Case[] = [
  route("route_length", { route: "" }),
  route("route_length", { route: "r".repeat(501) }),
  route("breaker", { breaker: "broken", probe_at: time }),
  route("failures", { background_failures: -1 }),
  route("probe_unless_closed", { probe_at: time }),
  route("probe_unless_closed", { breaker: "open" }),
  route("pause_has_reason", { paused_until: time }),
  route("pause_has_reason", { pause_reason: "openai_rate_limited" }),
  route("running", { max_running: -1 }),
  route("ignores_approval", { ignores_approval: true }),
  route("typical", { typical_ms: -1 }),
];

const flag = breaking("public.response_flags", {
  code: "late_call",
  detail: "d",
  created_at: time,
}, "job_id");
const worker = breaking("public.response_workers", {
  id: "worker-1",
  kind: "edge",
  started_at: time,
  seen_at: time,
});
const profile = breaking("durable_responses.profiles", { name: "default", registered_at: time });
const key = breaking("durable_responses.idempotency_keys", {
  owner_key: crypto.randomUUID(),
  key: "k",
  job_id: crypto.randomUUID(),
});
const otherCases: Case[] = [
  flag("detail_length", { detail: "d".repeat(2001) }),
  worker("kind", { kind: "cloud" }),
  profile("was_made_after", { was_made_after_ms: -1 }),
  profile("name_length", { name: "" }),
  profile("name_length", { name: "p".repeat(65) }),
  { ...key("length", { key: "" }), constraint: "jobs_key_length" },
  { ...key("length", { key: "k".repeat(256) }), constraint: "jobs_key_length" },
];

export const cases: Case[] = [
  ...jobCases,
  ...statusCases,
  ...attemptCases,
  ...settingCases,
  ...fileCases,
  ...stepCases,
  ...routeCases,
  ...otherCases,
];

/** Valid rows, so that the cases above break a constraint by their change, not by their starting point. */
export const validJobs: StoredJob[] = jobStatuses.map(storedJob);
export const validOthers: Case[] = [status, attempt, step, route, flag, worker, profile, key]
  .map((valid) => valid("none", {}));
