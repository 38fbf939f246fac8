/** Whole rows of jobs, written directly, as only the tables' owner can: for what guards them, and for many at once. */
import type { JSONValue, Sql, TransactionSql } from "postgres";
import type { JobStatus } from "./machine-shapes.ts";

type Connection = Sql | TransactionSql;
export type Columns = Record<string, JSONValue>;

const time = "2030-01-01T12:00:00Z";

const none = {
  ...{ run_at: null, leased_by: null, leased_until: null, poll_at: null, background_until: null },
  ...{ output: null, output_text: null, output_parsed: null, finished_at: null },
  ...{ error_code: null, error_message: null, error_hint: null },
  ...{ approval_until: null, review_reason: null },
};

const own: Record<JobStatus, Columns> = {
  background: { poll_at: time, background_until: time },
  queued: { run_at: time },
  running: { leased_by: "worker-1", leased_until: time },
  awaiting_approval: { approval_until: "2040-01-01T12:00:00Z" },
  needs_review: { review_reason: "Nobody knows whether it happened" },
  completed: { output: [], finished_at: time },
  failed: { error_code: "worker_error", error_message: "Cannot run", finished_at: time },
  cancelled: { finished_at: time },
};

/** The columns that go with a status: setting all of them makes a row that every check constraint accepts. */
export function columnsOf(status: JobStatus): Columns {
  return { ...none, ...own[status], status };
}

/** A whole row that every check constraint accepts. */
export function jobRow(status: JobStatus): Columns {
  return {
    ...columnsOf(status),
    ...{ id: crypto.randomUUID(), profile: "default", input: "hello", deadline: time },
    ...{ created_at: time, updated_at: time, route: "default" },
  };
}

/** Inserts `row` into public.<table>. */
export async function insertRow(sql: Connection, table: string, row: Columns): Promise<void> {
  const names = Object.keys(row);
  const values = names.map((_, index) => `$${index + 1}`);
  await sql.unsafe(
    `insert into public.${table} (${names.join(", ")}) values (${values.join(", ")})`,
    Object.values(row),
  );
}

/** Sets `columns` of the job `id`. */
export async function updateJob(sql: Connection, id: string, columns: Columns): Promise<void> {
  const settings = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`);
  await sql.unsafe(
    `update public.response_jobs set ${settings.join(", ")} where id = $1`,
    [id, ...Object.values(columns)],
  );
}

export interface Backlog {
  count: number;
  /** When they came and are due. */
  at: Date;
  /** Whose they are, in turn; a server's without. */
  owners?: string[];
  priority?: number;
}

/** Queues many jobs of the profile `default` at once; its route must be known. */
export async function queueMany(sql: Sql, backlog: Backlog): Promise<void> {
  const { count, at, owners = [], priority = 0 } = backlog;
  await sql`
    insert into public.response_jobs (
      owner_id, status, profile, input, priority, deadline, run_at, created_at, updated_at, route)
    select (${owners}::uuid[])[1 + n % greatest(${owners.length}::int, 1)], 'queued', 'default', '"hi"',
      ${priority}, ${at}::timestamptz + interval '1 day', ${at}, ${at}, ${at}, 'default'
    from generate_series(1, ${count}::int) n`;
  await sql`analyze public.response_jobs`;
}

/** What PostgREST and the console show of jobs that have a past: rows as they would be by now. */
export interface History {
  jobs: Columns[];
  attempts: Columns[];
  steps: Columns[];
}

const columns = {
  response_jobs: [
    ...["id", "owner_id", "status", "profile", "input", "request", "metadata", "route", "attempt"],
    ...["failures", "deadline", "response_id", "poll_at", "background_until", "run_at"],
    ...["leased_by", "leased_until", "fallback_reason", "output_text", "output", "output_parsed"],
    ...["usage", "error_code", "error_message", "error_hint", "approval_until", "review_reason"],
    ...["priority", "created_at", "updated_at", "finished_at", "retry_of", "ready"],
  ],
  response_attempts: [
    ...["job_id", "number", "mode", "worker", "response_id", "request_id", "outcome", "error_code"],
    ...["error_type", "error_message", "usage", "started_at", "finished_at", "warnings"],
  ],
  response_steps: [
    ...["job_id", "number", "attempt", "item_id", "kind", "status", "effect", "server_label"],
    ...["tool", "arguments", "call_key", "output", "error", "answer", "answered_by"],
    ...["answered_at", "started_at", "finished_at"],
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

/** Writes jobs with their past, all or none; `sql` must be a superuser's. */
export async function writeHistory(sql: Sql, history: History): Promise<void> {
  await sql.begin(async (transaction) => {
    // Triggers would announce every made-up job to whoever listens.
    await transaction`set local session_replication_role = replica`;
    await write(transaction, "response_jobs", history.jobs);
    await write(transaction, "response_attempts", history.attempts);
    await write(transaction, "response_steps", history.steps);
  });
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
  const statement = `insert into public.${table} (${names.join(", ")})
    select ${values.join(", ")} from jsonb_populate_recordset(null::public.${table}, $1)`;
  const chunk = 1000;
  for (let start = 0; start < rows.length; start += chunk) {
    await sql.unsafe(statement, [rows.slice(start, start + chunk)]);
  }
}
