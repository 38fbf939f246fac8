/**
 * What time, a crash or a slow claim would do to a job, done by hand: jobs' rows read whole, and changed behind the state
 * machine's back. How jobs are stored is known to this file, to job-rows.ts and to job-history.ts, and to no test.
 */
import type { JSONValue, Row, Sql, TransactionSql } from "postgres";
import { internalAttemptRows, internalJobs } from "../../packages/dev/postgres/internal-rows.ts";
import type { JobStatus } from "../../supabase/functions/_durable_responses/model/status.ts";

type Connection = Sql | TransactionSql;

/** All that is stored of a job. */
export async function internalJob(sql: Connection, id: string): Promise<Row> {
  const [row] = await sql`select * from ${sql(internalJobs)} where id = ${id}`;
  if (row === undefined) throw new Error(`Cannot read job ${id}: there is no such row`);
  return row;
}

/** All that is stored of a job's attempts, by number. */
export async function internalAttempts(sql: Connection, id: string): Promise<Row[]> {
  return [
    ...await sql`select * from ${sql(internalAttemptRows)} where job_id = ${id} order by number`,
  ];
}

/** What was learned about a job after it was final, in order. */
export async function flagsOf(sql: Connection, id: string): Promise<Row[]> {
  return [...await sql`select * from public.response_flags where job_id = ${id} order by id`];
}

/** Whether a running job's lease has run out by the database's clock. */
export async function isLeaseOver(sql: Connection, id: string): Promise<boolean> {
  const rows = await sql`
    select from ${sql(internalJobs)} where id = ${id} and leased_until <= clock_timestamp()`;
  return rows.length > 0;
}

/** Lets a running job's lease end at `at`. */
export async function expireLease(sql: Connection, id: string, at = new Date()): Promise<void> {
  await sql`update durable_responses.waits set due = ${at} where job_id = ${id} and status = 'running'`;
}

/** Lets all leases end: for when nobody is left who could hold one. */
export async function expireAllLeases(sql: Connection): Promise<void> {
  await sql`update durable_responses.waits set due = now() where status = 'running'`;
}

/** Makes a queued job due at `at`, as if it had waited for that from the beginning. */
export async function makeDue(sql: Connection, id: string, at: Date): Promise<void> {
  await sql`
    update durable_responses.waits set due = ${at},
      ready = ${at} <= durable_responses.clock(), ready_xid = pg_current_xact_id()
    where job_id = ${id} and status = 'queued'`;
}

/** The number of the transaction that made an unfinished job ready last. */
export async function readyStamp(sql: Connection, id: string): Promise<bigint> {
  const [wait] = await sql`
    select ready_xid::text as stamp from durable_responses.waits where job_id = ${id}`;
  return BigInt(String(wait?.["stamp"]));
}

/** Leaves every queued job to workers that never end. */
export async function needEndlessLife(sql: Connection): Promise<void> {
  await sql`update durable_responses.waits set min_life_ms = ${"9223372036854775807"}`;
}

/** Puts `input` in the place of what a job was asked: its next run is another one. */
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

/** Makes a queued job one whose side effect nobody knows of. */
export async function holdForReview(sql: Connection, id: string, reason: string): Promise<void> {
  await hold(sql, id, "needs_review", reason);
}

/** Lets so much time pass for the polls and the budget of a job in background mode, and for nothing else. */
export async function passForBackground(sql: Connection, id: string, ms: number): Promise<void> {
  await sql`
    update durable_responses.waits set
      due = due - make_interval(secs => ${ms / 1000}),
      background_until = background_until - make_interval(secs => ${ms / 1000})
    where job_id = ${id} and status = 'background'`;
}

/**
 * Moves every time that a job goes by into the past by `ms`, and those of its route, as if so much time had gone by.
 * @param admin a connection as superuser
 */
export async function advance(admin: Sql, id: string, ms: number): Promise<void> {
  await admin.begin(async (sql) => {
    // As a replica no trigger runs: the job itself has not been changed.
    await sql`set local session_replication_role = replica`;
    const past = sql`make_interval(secs => ${ms / 1000})`;
    await sql`
      update durable_responses.waits set
        due = due - ${past}, background_until = background_until - ${past}, deadline = deadline - ${past},
        ready = status = 'queued' and due - ${past} <= now(),
        ready_xid = case when ready then ready_xid else pg_current_xact_id() end
      where job_id = ${id}`;
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

/** Writes to one column of a job what it holds already. */
export async function rewriteColumn(sql: Connection, id: string, column: string): Promise<void> {
  await sql`update durable_responses.jobs set ${sql(column)} = ${sql(column)} where id = ${id}`;
}

/** Removes all jobs with whatever belongs to them. */
export async function removeAllJobs(sql: Connection): Promise<void> {
  await sql`truncate durable_responses.jobs, durable_responses.idempotency_keys cascade`;
}
