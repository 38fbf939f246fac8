/** The rows of a made-up job, and how they are written. */
import type { JSONValue, Sql, TransactionSql } from "postgres";

export interface JobRow {
  [column: string]: JSONValue;
  id: string;
  owner_id: string | null;
  status: string;
  route: string;
  created_at: string;
}
export type ChildRow = Record<string, JSONValue>;

export interface Rows {
  jobs: JobRow[];
  attempts: ChildRow[];
  steps: ChildRow[];
}

const columns = {
  response_jobs: [
    ...["id", "owner_id", "status", "profile", "input", "request", "metadata", "route", "attempt"],
    ...[
      "failures",
      "deadline",
      "response_id",
      "poll_at",
      "background_until",
      "run_at",
      "leased_by",
    ],
    ...["leased_until", "fallback_reason", "output_text", "output", "output_parsed", "usage"],
    ...["error_code", "error_message", "error_hint", "approval_until", "review_reason", "priority"],
    ...["created_at", "updated_at", "finished_at", "retry_of", "ready"],
  ],
  response_attempts: [
    ...["job_id", "number", "mode", "worker", "response_id", "request_id", "outcome", "error_code"],
    ...["error_type", "error_message", "usage", "started_at", "finished_at", "warnings"],
  ],
  response_steps: [
    ...[
      "job_id",
      "number",
      "attempt",
      "item_id",
      "kind",
      "status",
      "effect",
      "server_label",
      "tool",
    ],
    ...["arguments", "call_key", "output", "error", "answer", "answered_by", "answered_at"],
    ...["started_at", "finished_at"],
  ],
} as const;

/** Columns that must have a value; null in a row means this. */
const fallback: Readonly<Record<string, string>> = {
  metadata: "'{}'",
  priority: "0",
  warnings: "'{}'",
  failures: "0",
  ready: "true",
};

/** Writes rows, all or none; `sql` must be a superuser's, as nobody else may write these tables directly. */
export async function writeRows(sql: Sql, rows: Rows): Promise<void> {
  await sql.begin(async (transaction) => {
    // Triggers would announce every made-up job to whoever listens.
    await transaction`set local session_replication_role = replica`;
    await write(transaction, "response_jobs", rows.jobs);
    await write(transaction, "response_attempts", rows.attempts);
    await write(transaction, "response_steps", rows.steps);
  });
}

async function write(
  sql: TransactionSql,
  table: keyof typeof columns,
  rows: ChildRow[],
): Promise<void> {
  const names = columns[table];
  const values = names.map((name) =>
    fallback[name] === undefined ? name : `coalesce(${name}, ${fallback[name]})`
  );
  const statement = `insert into public.${table} (${names.join(", ")})
    select ${values.join(", ")} from jsonb_populate_recordset(null::public.${table}, $1)`;
  const chunk = 1000;
  for (let start = 0; start < rows.length; start += chunk) {
    await sql.unsafe(statement, [rows.slice(start, start + chunk)]);
  }
}
