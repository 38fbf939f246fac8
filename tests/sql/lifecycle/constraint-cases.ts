/** For each named check constraint: rows that break it and nothing else. */
import { type Columns, jobRow } from "../../support/job-rows.ts";
import { type JobStatus, jobStatuses } from "../../support/machine-shapes.ts";

export interface Case {
  constraint: string;
  table: string;
  row: Columns;
}

const time = "2030-01-01T12:00:00Z";

function job(constraint: string, status: JobStatus, columns: Columns): Case {
  const row = { ...jobRow(status), ...columns };
  return { constraint: `response_jobs_${constraint}`, table: "response_jobs", row };
}

/** The same break in every status but some. */
function jobs(constraint: string, columns: Columns, except: JobStatus[]): Case[] {
  const statuses = jobStatuses.filter((status) => !except.includes(status));
  return statuses.map((status) => job(constraint, status, columns));
}

const request = { model: "gpt-6.1-sol" };

const jobCases: Case[] = [
  job("profile_length", "queued", { profile: "" }),
  job("profile_length", "queued", { profile: "p".repeat(65) }),
  job("input_or_request", "queued", { input: null }),
  job("input_or_request", "queued", { request }),
  job("metadata_object", "queued", { metadata: [1] }),
  job("key_length", "queued", { idempotency_key: "", request_hash: "h" }),
  job("key_length", "queued", { idempotency_key: "k".repeat(256), request_hash: "h" }),
  job("key_has_hash", "queued", { idempotency_key: "k" }),
  job("priority_range", "queued", { priority: 101 }),
  job("priority_range", "queued", { priority: -101 }),
  job("counters", "queued", { attempt: -1 }),
  job("counters", "queued", { failures: -1 }),
  job("counters", "queued", { max_attempts: 0 }),
  job("counters", "queued", { max_attempts: 101 }),
  job("backoff", "queued", { backoff_base_ms: 0 }),
  job("backoff", "queued", { backoff_base_ms: 11, backoff_cap_ms: 10 }),
  ...jobs("lease_while_running", { leased_by: "w", leased_until: time }, ["running"]),
  ...jobs("lease_while_running", { leased_by: "w" }, ["running"]),
  job("lease_while_running", "running", { leased_by: null }),
  job("lease_while_running", "running", { leased_by: null, leased_until: null }),
  ...jobs("run_at_while_queued", { run_at: time }, ["queued"]),
  job("run_at_while_queued", "queued", { run_at: null }),
  ...jobs("poll_while_background", { poll_at: time, background_until: time }, ["background"]),
  job("poll_while_background", "background", { poll_at: null }),
  job("poll_while_background", "background", { background_until: null }),
  ...jobs("result_when_completed", { output: [] }, ["completed"]),
  ...jobs("result_when_completed", { output_text: "early" }, ["completed"]),
  ...jobs("result_when_completed", { output_parsed: {} }, ["completed"]),
  job("result_when_completed", "completed", { output: null }),
  ...jobs("error_when_failed", { error_code: "c", error_message: "m" }, ["failed"]),
  ...jobs("error_when_failed", { error_hint: "h" }, ["failed"]),
  job("error_when_failed", "failed", { error_code: null, error_message: null }),
  job("error_when_failed", "failed", { error_message: null }),
  ...jobs("finished_when_final", { finished_at: time }, ["completed", "failed", "cancelled"]),
  job("on_uncertain", "queued", { on_uncertain: "guess" }),
  job("approval_ms", "queued", { approval_ms: 0 }),
  job("poll_ms", "queued", { poll_ms: 0 }),
  ...jobs("approval_while_waiting", { approval_until: time }, ["awaiting_approval"]),
  job("approval_while_waiting", "awaiting_approval", { approval_until: null }),
  ...jobs("reason_while_reviewed", { review_reason: "r" }, ["needs_review"]),
  job("reason_while_reviewed", "needs_review", { review_reason: null }),
  job("life", "queued", { min_life_ms: -1 }),
  job("life", "queued", { stalled_lives: -1 }),
  job("finished_when_final", "completed", { finished_at: null }),
  job("finished_when_final", "failed", { finished_at: null }),
  job("finished_when_final", "cancelled", { finished_at: null }),
];

function attempt(constraint: string, columns: Columns): Case {
  const row = { number: 1, mode: "background", started_at: time, ...columns };
  return { constraint: `response_attempts_${constraint}`, table: "response_attempts", row };
}

const attemptCases: Case[] = [
  attempt("number", { number: 0 }),
  attempt("finished_with_outcome", { outcome: "completed" }),
  attempt("finished_with_outcome", { finished_at: time }),
  attempt("failed_has_code", { outcome: "failed", finished_at: time }),
  attempt("cancel_has_response", { cancel_pending: true }),
];

function settings(constraint: string, columns: Columns): Case {
  const row = { only_row: true, ...columns };
  return { constraint: `response_settings_${constraint}`, table: "response_settings", row };
}

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
];

function step(constraint: string, columns: Columns): Case {
  const row = {
    ...{ number: 1, attempt: 1, item_id: "item_1", kind: "reasoning", status: "finished" },
    ...{ started_at: time, finished_at: time, ...columns },
  };
  return { constraint: `response_steps_${constraint}`, table: "response_steps", row };
}

const stepCases: Case[] = [
  step("number", { number: 0 }),
  step("call_has_effect", { kind: "mcp_call" }),
  step("call_has_effect", { effect: "once" }),
  step("uncertain_is_call", { status: "uncertain", finished_at: null }),
  step("waiting_is_approval", { status: "waiting", finished_at: null }),
  step("answer_has_author", { answer: { approve: true } }),
  step("answer_has_author", { answer: { approve: true }, answered_at: time }),
  step("answer_has_author", { answered_by: "service" }),
  step("finished_at", { finished_at: null }),
  step("finished_at", { status: "started" }),
];

function route(constraint: string, columns: Columns): Case {
  const row = {
    ...{ route: "default/gpt-6.1-sol/mail", profile: "default", model: "gpt-6.1-sol" },
    ...{ created_at: time, updated_at: time, ...columns },
  };
  return { constraint: `response_routes_${constraint}`, table: "response_routes", row };
}

const routeCases: Case[] = [
  route("route_length", { route: "" }),
  route("route_length", { route: "r".repeat(501) }),
  route("failures", { background_failures: -1 }),
  route("probe_unless_closed", { probe_at: time }),
  route("probe_unless_closed", { breaker: "open" }),
  route("pause_has_reason", { paused_until: time }),
  route("pause_has_reason", { pause_reason: "openai_rate_limited" }),
  route("running", { max_running: -1 }),
  route("typical", { typical_ms: -1 }),
];

const workerCases: Case[] = [{
  constraint: "response_workers_kind",
  table: "response_workers",
  row: { id: "worker-1", kind: "cloud", started_at: time, seen_at: time },
}];

export const cases: Case[] = [
  ...[...jobCases, ...attemptCases, ...settingCases],
  ...[...stepCases, ...routeCases, ...workerCases],
];

/** Valid rows: the cases above break by what they change, not by what they start from. */
export const validRows: Columns[] = jobStatuses.map(jobRow);
