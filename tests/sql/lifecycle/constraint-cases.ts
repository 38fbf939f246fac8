/** For each named check constraint: rows that break it and nothing else. */
import { type Columns, type StoredJob, storedJob } from "../../support/job-rows.ts";
import { type JobStatus, jobStatuses } from "../../support/machine-shapes.ts";

export interface Case {
  constraint: string;
  /** Named with its schema. */
  table: string;
  row: Columns;
  /** What must be there before: the job that a wait, an attempt or a step belongs to. */
  job?: Columns;
}

const time = "2030-01-01T12:00:00Z";
const isOneOf = (...statuses: JobStatus[]) => (status: JobStatus) => statuses.includes(status);
const isFinal = isOneOf("completed", "failed", "cancelled");

function job(constraint: string, status: JobStatus, columns: Columns): Case {
  const row = { ...storedJob(status).job, ...columns };
  return { constraint: `jobs_${constraint}`, table: "durable_responses.jobs", row };
}

/** The same break of a job in every status but some. */
function jobs(constraint: string, columns: Columns, ...except: JobStatus[]): Case[] {
  return statusesWithout(isOneOf(...except)).map((status) => job(constraint, status, columns));
}

function wait(constraint: string, status: JobStatus, columns: Columns): Case {
  const stored = storedJob(status);
  const row = { ...stored.wait, ...columns };
  return {
    constraint: `waits_${constraint}`,
    table: "durable_responses.waits",
    row,
    job: stored.job,
  };
}

/** The same break of a wait in every status that has one but some. */
function waits(constraint: string, columns: Columns, ...except: JobStatus[]): Case[] {
  return statusesWithout((status) => isFinal(status) || isOneOf(...except)(status))
    .map((status) => wait(constraint, status, columns));
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
  job("attempts", "completed", { attempt: -1 }),
  job("attempts", "completed", { failures: -1 }),
  job("backoff", "queued", { backoff_base_ms: 0 }),
  job("backoff", "queued", { backoff_base_ms: 11, backoff_cap_ms: 10 }),
  job("budgets", "queued", { deadline_ms: 0 }),
  job("budgets", "queued", { approval_ms: 0 }),
  job("budgets", "queued", { review_ms: 0 }),
  job("budgets", "queued", { poll_ms: 0 }),
  job("on_uncertain", "queued", { on_uncertain: "guess" }),
  job("guard", "queued", { guard: "never" }),
  ...statusesWithout(isFinal).map((status) => job("status", "cancelled", { status })),
  ...jobs("final", { finished_at: null }, ...statusesWithout(isFinal)),
  ...jobs("final", { finished_from: null }, ...statusesWithout(isFinal)),
  ...jobs("final", { attempt: null }, ...statusesWithout(isFinal)),
  ...jobs("final", { failures: null }, ...statusesWithout(isFinal)),
  ...jobs("final", { finished_at: time }, "completed", "failed", "cancelled"),
  ...jobs("final", { finished_from: "running" }, "completed", "failed", "cancelled"),
  ...jobs("final", { attempt: 1 }, "completed", "failed", "cancelled"),
  ...jobs("final", { failures: 0 }, "completed", "failed", "cancelled"),
  ...jobs("completed_with_output", { output: [] }, "completed"),
  ...jobs("completed_with_output", { output_text: "early" }, "completed"),
  ...jobs("completed_with_output", { output_parsed: {} }, "completed"),
  job("completed_with_output", "completed", { output: null }),
  ...jobs("failed_with_error", { error_code: "c", error_message: "m" }, "failed"),
  ...jobs("failed_with_error", { error_message: "m" }, "failed"),
  ...jobs("failed_with_error", { error_hint: "h" }, "failed"),
  job("failed_with_error", "failed", { error_code: null, error_message: null }),
  job("failed_with_error", "failed", { error_message: null }),
];

const waitCases: Case[] = [
  ...["completed", "failed", "cancelled"].map((status) => wait("not_final", "queued", { status })),
  ...waits("counters", { failures: -1 }),
  ...waits("counters", { stalled_lives: -1 }),
  ...waits("counters", { min_life_ms: -1 }),
  wait("counters", "queued", { attempt: -1 }),
  ...waits("one_clock", { deadline: time, deadline_left_ms: 1 }),
  ...waits("one_clock", { deadline: null, deadline_left_ms: null }),
  ...waits("ready_while_queued", { ready: true, ready_xid: "1" }, "queued"),
  wait("ready_while_queued", "queued", { ready: true }),
  ...waits("worker_while_running", { worker: "w" }, "running"),
  wait("worker_while_running", "running", { worker: null }),
  ...waits("budget_while_background", { background_until: time }, "background"),
  wait("budget_while_background", "background", { background_until: null }),
  ...waits("response_while_background", { response_id: "resp_1" }, "background"),
  wait("attempt_while_under_way", "background", { attempt: 0 }),
  wait("attempt_while_under_way", "running", { attempt: 0 }),
  ...waits("reason_while_reviewed", { review_reason: "r" }, "needs_review"),
  wait("reason_while_reviewed", "needs_review", { review_reason: null }),
];

/** A row of another table: its name, what a valid one has, and what its job column is called. */
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
  attempt("number", { number: 0 }),
  attempt("mode", { mode: "sideways" }),
  attempt("outcome", { outcome: "parked" }),
  attempt("failed_has_code", { outcome: "failed" }),
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
  step("waiting_is_approval", { status: "waiting", finished_at: null }),
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
  profile("name_length", { name: "" }),
  profile("name_length", { name: "p".repeat(65) }),
  key("length", { key: "" }),
  key("length", { key: "k".repeat(256) }),
];

export const cases: Case[] = [
  ...jobCases,
  ...waitCases,
  ...statusCases,
  ...attemptCases,
  ...settingCases,
  ...stepCases,
  ...routeCases,
  ...otherCases,
];

/** Valid rows: the cases above break by what they change, not by what they start from. */
export const validJobs: StoredJob[] = jobStatuses.map(storedJob);
export const validOthers: Case[] = [status, attempt, step, route, flag, worker, profile, key]
  .map((valid) => valid("none", {}));
