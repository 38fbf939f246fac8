/** For each named check constraint: rows that break it and nothing else. */
import { type Columns, columnsOf, jobRow } from "../../support/job-rows.ts";
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

const request = { model: "gpt-5" };

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
];

export const cases: Case[] = [...jobCases, ...attemptCases, ...settingCases];

/** Valid rows: the cases above break by what they change, not by what they start from. */
export const validRows: Columns[] = jobStatuses.map((status) => ({
  ...jobRow(status),
  ...columnsOf(status),
}));
