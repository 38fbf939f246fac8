/** Writes jobs with a past, for tests of PostgREST and the console: the rows as they would be by now. */
import type { Sql, TransactionSql } from "postgres";
import { type Columns, nobody } from "./job-rows.ts";

/** Jobs with the columns of response_jobs_internal, attempts with those of durable_responses.attempts. */
export interface History {
  jobs: Columns[];
  attempts: Columns[];
  steps: Columns[];
}

const columns = {
  "durable_responses.jobs": [
    "id",
    "owner_id",
    "profile",
    "input",
    "request",
    "metadata",
    "route",
    "retry_of",
    "priority",
    "created_at",
    "status",
    "finished_from",
    "finished_at",
    "attempt",
    "failures",
    "response_id",
    "fallback_reason",
    "output_text",
    "output",
    "output_parsed",
    "usage",
    "error_code",
    "error_message",
    "error_hint",
    "query_text",
  ],
  "durable_responses.waits": [
    "job_id",
    "status",
    "due",
    "since",
    "route",
    "priority",
    "owner_id",
    "owner_key",
    "ready",
    "ready_xid",
    "attempt",
    "worker",
    "response_id",
    "warnings",
    "failures",
    "deadline",
    "deadline_left_ms",
    "background_until",
    "fallback_reason",
    "review_reason",
  ],
  "durable_responses.attempts": [
    "job_id",
    "number",
    "mode",
    "worker",
    "response_id",
    "request_id",
    "outcome",
    "error_code",
    "error_type",
    "error_message",
    "usage",
    "started_at",
    "finished_at",
    "warnings",
  ],
  "public.response_steps": [
    "job_id",
    "number",
    "attempt",
    "item_id",
    "kind",
    "status",
    "effect",
    "server_label",
    "tool",
    "arguments",
    "call_key",
    "output",
    "error",
    "answer",
    "answered_by",
    "answered_at",
    "started_at",
    "finished_at",
  ],
} as const;

/** Values for columns that may not be null, used if a row has none. */
const fallback: Readonly<Record<string, string>> = {
  metadata: "'{}'",
  priority: "0",
  // As 19_submit.sql writes it.
  query_text:
    "durable_responses.query_text(coalesce(input, durable_responses.visible_input(request)))",
  warnings: "'{}'",
};

/** Writes jobs with their past, all or none. `sql` must be a superuser's connection. */
export async function writeHistory(sql: Sql, history: History): Promise<void> {
  const final = (job: Columns) => job["finished_at"] !== null && job["finished_at"] !== undefined;
  const underWay = new Map(
    history.attempts.filter(({ outcome }) => (outcome ?? null) === null)
      .map((attempt) => [attempt["job_id"], attempt]),
  );
  await sql.begin(async (transaction) => {
    // No triggers: they would announce or refuse these rows.
    await transaction`set local session_replication_role = replica`;
    await write(
      transaction,
      "durable_responses.jobs",
      history.jobs.map((job) =>
        final(job) ? { finished_from: "running", failures: 0, ...job } : unfinished(job)
      ),
    );
    await write(
      transaction,
      "durable_responses.waits",
      history.jobs.filter((job) => !final(job)).map((job) =>
        waitOf(job, underWay.get(job["id"] ?? null))
      ),
    );
    await write(
      transaction,
      "durable_responses.attempts",
      history.attempts.filter(({ outcome }) => (outcome ?? null) !== null),
    );
    await write(transaction, "public.response_steps", history.steps);
  });
}

function unfinished(job: Columns): Columns {
  return {
    ...job,
    status: null,
    attempt: null,
    failures: null,
    response_id: null,
    fallback_reason: null,
  };
}

function waitOf(job: Columns, attempt: Columns | undefined): Columns {
  const status = String(job["status"]);
  const ready = status === "queued" && Date.parse(String(job["run_at"])) <= Date.now();
  const stopped = !["background", "queued", "running"].includes(status);
  return {
    job_id: job["id"] ?? null,
    status,
    due: job["run_at"] ?? job["poll_at"] ?? job["leased_until"] ?? job["answer_until"] ??
      job["created_at"] ?? null,
    since: attempt?.["started_at"] ?? job["updated_at"] ?? null,
    route: job["route"] ?? null,
    priority: job["priority"] ?? 0,
    owner_id: job["owner_id"] ?? null,
    owner_key: job["owner_id"] ?? nobody,
    ready,
    ready_xid: ready ? "1" : null,
    attempt: job["attempt"] ?? 0,
    worker: job["leased_by"] ?? null,
    response_id: status === "background" ? job["response_id"] ?? null : null,
    warnings: attempt?.["warnings"] ?? [],
    failures: job["failures"] ?? 0,
    deadline: stopped ? null : job["deadline"] ?? null,
    deadline_left_ms: stopped ? 3_600_000 : null,
    background_until: job["background_until"] ?? null,
    fallback_reason: job["fallback_reason"] ?? null,
    review_reason: job["review_reason"] ?? null,
  };
}

async function write(
  sql: TransactionSql,
  table: keyof typeof columns,
  rows: Columns[],
): Promise<void> {
  const names = columns[table];
  const values = names.map((name) =>
    fallback[name] === undefined ? name : `coalesce(${name}, ${fallback[name]})`
  );
  const statement = `insert into ${table} (${names.join(", ")})
    select ${values.join(", ")} from jsonb_populate_recordset(null::${table}, $1)`;
  const chunk = 1000;
  for (let start = 0; start < rows.length; start += chunk) {
    await sql.unsafe(statement, [rows.slice(start, start + chunk)]);
  }
}
