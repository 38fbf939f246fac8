/** Rows of response_jobs written directly, as only the tables' owner can: for testing what guards them. */
import type { JSONValue, Sql } from "postgres";
import type { JobStatus } from "./machine-shapes.ts";

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
export async function insertRow(sql: Sql, table: string, row: Columns): Promise<void> {
  const names = Object.keys(row);
  const values = names.map((_, index) => `$${index + 1}`);
  await sql.unsafe(
    `insert into public.${table} (${names.join(", ")}) values (${values.join(", ")})`,
    Object.values(row),
  );
}

/** Sets `columns` of the job `id`. */
export async function updateJob(sql: Sql, id: string, columns: Columns): Promise<void> {
  const settings = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`);
  await sql.unsafe(
    `update public.response_jobs set ${settings.join(", ")} where id = $1`,
    [id, ...Object.values(columns)],
  );
}
