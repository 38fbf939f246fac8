/**
 * Does to a job what time, a crash or a slow claim would do: reads its rows, and changes them without the state machine.
 * Only this file, job-rows.ts and job-history.ts know how jobs are stored. Tests do not.
 */
import type { JSONValue, Row, Sql, TransactionSql } from "postgres";
import { internalAttemptRows, internalJobs } from "../../packages/dev/postgres/internal-rows.ts";
import type { JobStatus } from "../../supabase/functions/_durable_responses/model/status.ts";

type Connection = Sql | TransactionSql;

/** Everything that is stored about a job. */
export async function internalJob(sql: Connection, id: string): Promise<Row> {
  const [row] = await sql`select * from ${sql(internalJobs)} where id = ${id}`;
  if (row === undefined) throw new Error(`Cannot read job ${id}: there is no such row`);
  return row;
}

/** Everything that is stored about a job's attempts, by number. */
export async function internalAttempts(sql: Connection, id: string): Promise<Row[]> {
  return [
    ...await sql`select * from ${sql(internalAttemptRows)} where job_id = ${id} order by number`,
  ];
}

/** What was learned about a job after it was final, in order. */
export async function flagsOf(sql: Connection, id: string): Promise<Row[]> {
  return [...await sql`select * from public.response_flags where job_id = ${id} order by id`];
}

/** Whether a running job's lease has expired by the database's clock. */
export async function isLeaseOver(sql: Connection, id: string): Promise<boolean> {
  const rows = await sql`
    select from ${sql(internalJobs)} where id = ${id} and leased_until <= clock_timestamp()`;
  return rows.length > 0;
}

/** Makes a running job's lease expire at `at`. */
export async function expireLease(sql: Connection, id: string, at = new Date()): Promise<void> {
  await sql`update durable_responses.waits set due = ${at} where job_id = ${id} and status = 'running'`;
}

/** Makes all leases expire, for when no worker is left. */
export async function expireAllLeases(sql: Connection): Promise<void> {
  await sql`update durable_responses.waits set due = now() where status = 'running'`;
}

/** From now on, only a worker with so much of its life left may have a job. */
export async function needsLife(sql: Connection, id: string, ms: number): Promise<void> {
  await sql`update durable_responses.waits set min_life_ms = ${ms} where job_id = ${id}`;
}

/** Makes a queued job due at `at`, as if that had been its time from the beginning. */
export async function makeDue(sql: Connection, id: string, at: Date): Promise<void> {
  await sql`
    update durable_responses.waits set due = ${at},
      ready = ${at} <= durable_responses.clock(), ready_xid = pg_current_xact_id()
    where job_id = ${id} and status = 'queued'`;
}

/** The number of the transaction that last made an unfinished job ready. */
export async function readyStamp(sql: Connection, id: string): Promise<bigint> {
  const [wait] = await sql`
    select ready_xid::text as stamp from durable_responses.waits where job_id = ${id}`;
  return BigInt(String(wait?.["stamp"]));
}

/** Leaves every queued job to workers without a wall clock. */
export async function needEndlessLife(sql: Connection): Promise<void> {
  await sql`update durable_responses.waits set min_life_ms = ${"9223372036854775807"}`;
}

/** Replaces a job's input, so that its next run is a different one. */
export async function replaceInput(sql: Sql, id: string, input: JSONValue): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`alter table durable_responses.jobs disable trigger jobs_guard`;
    await transaction`update durable_responses.jobs set input = ${
      transaction.json(input)
    } where id = ${id}`;
    await transaction`alter table durable_responses.jobs enable trigger jobs_guard`;
  });
}

/** Moves a running job to a status that waits for a person. */
export async function hold(
  sql: Connection,
  id: string,
  status: JobStatus,
  reason: string | null = null,
): Promise<void> {
  await sql`
    update durable_responses.waits w set status = ${status}, worker = null, review_reason = ${reason},
      due = durable_responses.clock() + make_interval(secs =>
        case when ${status} = 'needs_review' then j.review_ms else j.approval_ms end / 1000.0)
    from durable_responses.jobs j
    where w.job_id = ${id} and j.id = w.job_id`;
}

/** Holds a job for review, as if it had a call in doubt. */
export async function holdForReview(sql: Connection, id: string, reason: string): Promise<void> {
  await hold(sql, id, "needs_review", reason);
}

/** Lets `ms` pass for the polls and the budget of a job in background mode, and for nothing else. */
export async function passForBackground(sql: Connection, id: string, ms: number): Promise<void> {
  await sql`
    update durable_responses.waits set
      due = due - make_interval(secs => ${ms / 1000}),
      background_until = background_until - make_interval(secs => ${ms / 1000})
    where job_id = ${id} and status = 'background'`;
}

/**
 * Lets `ms` pass for a job and its route: moves all of their times into the past, except the end of a lease, which a worker
 * keeps renewing.
 * @param admin a connection as superuser
 */
export async function advance(admin: Sql, id: string, ms: number): Promise<void> {
  await admin.begin(async (sql) => {
    // In this role no trigger runs, because the job itself does not change.
    await sql`set local session_replication_role = replica`;
    const past = sql`make_interval(secs => ${ms / 1000})`;
    await sql`
      update durable_responses.waits set
        due = case when status = 'running' and not ready then due else due - ${past} end,
        background_until = background_until - ${past}, deadline = deadline - ${past},
        ready = status = 'queued' and due - ${past} <= now(),
        ready_xid = case when ready then ready_xid else pg_current_xact_id() end
      where job_id = ${id}`;
    await sql`
      update durable_responses.jobs set created_at = created_at - ${past}, finished_at = finished_at - ${past}
      where id = ${id} and finished_at is not null`;
    await sql`delete from durable_responses.marks where route = ''`;
    await sql`
      update public.response_routes set
        paused_until = paused_until - ${past}, probe_at = probe_at - ${past}
      where route = (select route from durable_responses.jobs where id = ${id})`;
  });
}

/** Names of the columns of a final job's row that can be written. */
export async function writableColumns(sql: Connection): Promise<string[]> {
  const rows = await sql<{ column: string }[]>`
    select attname as column from pg_attribute
    where attrelid = 'durable_responses.jobs'::regclass and attnum > 0 and not attisdropped and attgenerated = ''`;
  return rows.map(({ column }) => column);
}

/** Writes to one column of a job the value that it already has. */
export async function rewriteColumn(sql: Connection, id: string, column: string): Promise<void> {
  await sql`update durable_responses.jobs set ${sql(column)} = ${sql(column)} where id = ${id}`;
}

/** Removes all jobs and everything that belongs to them. */
export async function removeAllJobs(sql: Connection): Promise<void> {
  await sql`truncate durable_responses.jobs, durable_responses.idempotency_keys cascade`;
}

/** Routes know nothing any more, as before their first job. */
export async function forgetRoutes(sql: Connection): Promise<void> {
  await sql`
    update public.response_routes set
      breaker = 'closed', background_failures = 0, last_failure = null, probe_at = null, opened_at = null,
      paused_until = null, pause_reason = null, max_running = null, typical_ms = null,
      ignores_approval = false, ignores_approval_since = null`;
}
