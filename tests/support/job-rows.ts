/**
 * Writes rows of jobs and of their waits directly, as only the tables' owner can: to test what guards them, and to write many
 * at once. Only this file, job-state.ts and job-history.ts know how jobs are stored. Tests do not.
 */
import type { JSONValue, Sql, TransactionSql } from "postgres";
import type { JobStatus } from "../../supabase/functions/_durable_responses/model/status.ts";

type Connection = Sql | TransactionSql;
export type Columns = Record<string, JSONValue>;

const time = "2030-01-01T12:00:00Z";
const later = "2040-01-01T12:00:00Z";
/** The owner_key of jobs without an owner. */
export const nobody = "00000000-0000-0000-0000-000000000000";

/** The columns of a wait row that belong to its status. */
const waits: Record<Exclude<JobStatus, FinalStatus>, Columns> = {
  background: { due: time, background_until: time, attempt: 1 },
  queued: { due: time },
  running: { due: time, worker: "worker-1", attempt: 1 },
  awaiting_approval: { due: later },
  awaiting_tool_output: { due: later },
  needs_review: { due: later, review_reason: "Nobody knows whether it happened" },
};

type FinalStatus = "completed" | "failed" | "cancelled";

const endings: Record<FinalStatus, Columns> = {
  completed: { output: [] },
  failed: { error_code: "worker_error", error_message: "Cannot run" },
  cancelled: {},
};

export function isFinalStatus(status: JobStatus): status is FinalStatus {
  return status in endings;
}

/** A job, and its wait unless it is final: rows that every check constraint accepts. */
export interface StoredJob {
  job: Columns;
  wait: Columns | null;
}

export function storedJob(status: JobStatus): StoredJob {
  const id = crypto.randomUUID();
  const job = { id, profile: "default", input: "hello", created_at: time, route: "default" };
  if (isFinalStatus(status)) return { job: { ...job, ...ending(status, "running") }, wait: null };
  const stopped = !["background", "queued", "running"].includes(status);
  const clock: Columns = stopped ? { deadline_left_ms: 60_000 } : { deadline: time };
  return {
    job,
    wait: {
      job_id: id,
      status,
      since: time,
      route: "default",
      priority: 0,
      owner_key: nobody,
      ...clock,
      ...waits[status],
    },
  };
}

function ending(status: FinalStatus, from: string): Columns {
  return {
    status,
    finished_from: from,
    finished_at: time,
    attempt: 1,
    failures: 0,
    ...endings[status],
  };
}

/** Writes both rows without triggers. `admin` must be a superuser's connection. */
export async function insertStored(admin: Sql, { job, wait }: StoredJob): Promise<void> {
  await admin.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await insertRow(sql, "durable_responses.jobs", job);
    if (wait) await insertRow(sql, "durable_responses.waits", wait);
  });
}

/** Moves a job directly to `status`: changes its wait row, or finishes its job row and deletes the wait. */
export async function moveDirectly(
  sql: Sql,
  id: string,
  from: JobStatus,
  status: JobStatus,
): Promise<void> {
  if (!isFinalStatus(from) && !isFinalStatus(status)) {
    const columns: Columns = {
      worker: null,
      background_until: null,
      review_reason: null,
      ...waits[status],
      status,
    };
    await updateRow(sql, "durable_responses.waits", "job_id", id, columns);
    return;
  }
  const final = isFinalStatus(status) ? ending(status, from) : { status: null };
  await sql.begin(async (transaction) => {
    await updateRow(transaction, "durable_responses.jobs", "id", id, final);
    await transaction`delete from durable_responses.waits where job_id = ${id}`;
  });
}

/** Inserts `row`. `table` includes the schema. */
export async function insertRow(sql: Connection, table: string, row: Columns): Promise<void> {
  const names = Object.keys(row);
  const values = names.map((_, index) => `$${index + 1}`);
  await sql.unsafe(
    `insert into ${table} (${names.join(", ")}) values (${values.join(", ")})`,
    Object.values(row),
  );
}

/** Changes the row whose `key` is `id`. `table` includes the schema. */
export async function updateRow(
  sql: Connection,
  table: string,
  key: string,
  id: string,
  columns: Columns,
): Promise<void> {
  const settings = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`);
  await sql.unsafe(
    `update ${table} set ${settings.join(", ")} where ${key} = $1`,
    [id, ...Object.values(columns)],
  );
}

export interface Backlog {
  count: number;
  /** When they were accepted, and are due. */
  at: Date;
  /** Their owners, in turn. Default: none, as if a server had submitted them. */
  owners?: string[];
  priority?: number;
}

/** Queues many jobs of the profile `default` at once. Its route must exist. */
export async function queueMany(sql: Sql, backlog: Backlog): Promise<void> {
  const { count, at, owners = [], priority = 0 } = backlog;
  await sql`
    with made as (
      insert into durable_responses.jobs (owner_id, profile, input, priority, created_at, route)
      select (${owners}::uuid[])[1 + n % greatest(${owners.length}::int, 1)], 'default', '"hi"', ${priority}, ${at}, 'default'
      from generate_series(1, ${count}::int) n
      returning id, owner_id, priority)
    insert into durable_responses.waits (job_id, status, due, since, route, priority, owner_id, deadline)
    select id, 'queued', ${at}, ${at}, 'default', priority, owner_id, ${at}::timestamptz + interval '1 day' from made`;
  await sql`analyze durable_responses.jobs`;
  await sql`analyze durable_responses.waits`;
}
