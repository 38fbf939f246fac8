/** The rows of a made-up job, and how they are written. */
import type { JSONValue, Sql } from "postgres";

export interface JobRow {
  [column: string]: JSONValue;
  id: string;
  owner_id: string | null;
  /** Of a final job. */
  status: string | null;
  route: string;
  created_at: string;
}
export type ChildRow = Record<string, JSONValue>;

export interface Rows {
  jobs: JobRow[];
  /** Of jobs that are not final. */
  waits: ChildRow[];
  /** Those that have ended: one that is under way is part of its job's wait. */
  attempts: ChildRow[];
  steps: ChildRow[];
}

const tables = {
  jobs: "durable_responses.jobs",
  waits: "durable_responses.waits",
  attempts: "durable_responses.attempts",
  steps: "public.response_steps",
} as const;

const columns: Readonly<Record<keyof Rows, string>> = {
  jobs:
    `id, owner_id, profile, input, route, created_at, status, finished_from, finished_at, attempt, failures, response_id,
    fallback_reason, output_text, output, output_parsed, usage, error_code, error_message, error_hint`,
  waits:
    `job_id, status, due, since, route, owner_id, attempt, worker, response_id, deadline, deadline_left_ms,
    background_until, fallback_reason, review_reason, priority`,
  attempts:
    `job_id, number, mode, worker, response_id, request_id, outcome, error_code, error_message, usage,
    started_at, finished_at`,
  steps:
    `job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, call_key, output, error,
    answer, answered_by, answered_at, started_at, finished_at`,
};

/** Writes rows, all or none; `sql` must be a superuser's, as nobody else may write these tables directly. */
export async function writeRows(sql: Sql, rows: Rows): Promise<void> {
  await sql.begin(async (transaction) => {
    // Rows come as they are told, not by the transitions that the guards allow.
    await transaction`set local session_replication_role = replica`;
    for (const name of ["jobs", "waits", "attempts", "steps"] as const) {
      const statement = `insert into ${tables[name]} (${columns[name]})
        select ${columns[name]} from jsonb_populate_recordset(null::${
        tables[name]
      }, $1)`;
      const chunk = 1000;
      for (let start = 0; start < rows[name].length; start += chunk) {
        await transaction.unsafe(statement, [
          rows[name].slice(start, start + chunk),
        ]);
      }
    }
  });
}
