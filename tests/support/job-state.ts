/**
 * What time, a crash or a slow claim would do to a job, done by hand: jobs' rows read whole, and changed behind the state
 * machine's back. How jobs are stored is known to this file and to job-rows.ts, and to no test.
 */
import type { JSONValue, Row, Sql, TransactionSql } from "postgres";
import { INTERNAL_ATTEMPTS, INTERNAL_JOBS } from "../../packages/dev/postgres/internal-rows.ts";
import { columnsOf, updateJob } from "./job-rows.ts";
import type { JobStatus } from "./machine-shapes.ts";

type Connection = Sql | TransactionSql;

/** All that is stored of a job. */
export async function internalJob(sql: Connection, id: string): Promise<Row> {
  const [row] = await sql`select * from ${sql(INTERNAL_JOBS)} where id = ${id}`;
  if (row === undefined) throw new Error(`Cannot read job ${id}: there is no such row`);
  return row;
}

/** All that is stored of a job's attempts, by number. */
export async function internalAttempts(sql: Connection, id: string): Promise<Row[]> {
  return [
    ...await sql`select * from ${sql(INTERNAL_ATTEMPTS)} where job_id = ${id} order by number`,
  ];
}

/** Whether a running job's lease has run out by the database's clock. */
export async function isLeaseOver(sql: Connection, id: string): Promise<boolean> {
  const rows = await sql`
    select from ${sql(INTERNAL_JOBS)} where id = ${id} and leased_until <= clock_timestamp()`;
  return rows.length > 0;
}

/** Lets a running job's lease end at `at`. */
export async function expireLease(sql: Connection, id: string, at = new Date()): Promise<void> {
  await sql`update public.response_jobs set leased_until = ${at} where id = ${id}`;
}

/** Lets all leases end: for when nobody is left who could hold one. */
export async function expireAllLeases(sql: Connection): Promise<void> {
  await sql`update public.response_jobs set leased_until = now() where status = 'running'`;
}

/** Makes a queued job due at `at`. */
export async function makeDue(sql: Connection, id: string, at: Date): Promise<void> {
  await sql`update public.response_jobs set run_at = ${at} where id = ${id}`;
}

/** Leaves every queued job to workers that never end. */
export async function needEndlessLife(sql: Connection): Promise<void> {
  await sql`update public.response_jobs set min_life_ms = ${"9223372036854775807"}`;
}

/** Puts `input` in the place of what a job was asked: its next run is another one. */
export async function replaceInput(
  sql: Connection,
  id: string,
  input: JSONValue,
): Promise<void> {
  await sql`update public.response_jobs set input = ${sql.json(input)} where id = ${id}`;
}

/** Moves a job to `status`, with the columns that go with it; the guard has to allow the transition. */
export async function moveTo(sql: Connection, id: string, status: JobStatus): Promise<void> {
  await updateJob(sql, id, columnsOf(status));
}

/** Makes a queued job one whose side effect nobody knows of. */
export async function holdForReview(sql: Connection, id: string, reason: string): Promise<void> {
  await moveTo(sql, id, "running");
  await updateJob(sql, id, { ...columnsOf("needs_review"), review_reason: reason });
}

/** Lets so much time pass for the polls and the budget of a job in background mode, and for nothing else. */
export async function passForBackground(sql: Connection, id: string, ms: number): Promise<void> {
  await sql`
    update public.response_jobs set
      poll_at = poll_at - make_interval(secs => ${ms / 1000}),
      background_until = background_until - make_interval(secs => ${ms / 1000})
    where id = ${id} and status = 'background'`;
}

/**
 * Moves every time that a job goes by into the past by `ms`, and those of its route, as if so much time had gone by.
 * @param admin a connection as superuser
 */
export async function advance(admin: Sql, id: string, ms: number): Promise<void> {
  await admin.begin(async (sql) => {
    // As a replica no trigger runs: the job itself has not been changed, so its updated_at stays.
    await sql`set local session_replication_role = replica`;
    const past = sql`make_interval(secs => ${ms / 1000})`;
    await sql`
      update public.response_jobs set
        run_at = run_at - ${past}, poll_at = poll_at - ${past},
        background_until = background_until - ${past}, leased_until = leased_until - ${past},
        deadline = deadline - ${past}, approval_until = approval_until - ${past},
        ready = run_at is null or run_at - ${past} <= now()
      where id = ${id}`;
    await sql`
      update public.response_routes set
        paused_until = paused_until - ${past}, probe_at = probe_at - ${past}
      where route = (select route from ${sql(INTERNAL_JOBS)} where id = ${id})`;
  });
}

/** Names of the columns of a job's row that can be written. */
export async function writableColumns(sql: Connection): Promise<string[]> {
  const rows = await sql<{ column: string }[]>`
    select attname as column from pg_attribute
    where attrelid = 'public.response_jobs'::regclass and attnum > 0 and not attisdropped and attgenerated = ''`;
  return rows.map(({ column }) => column);
}

/** Writes to one column of a job what it holds already. */
export async function rewriteColumn(sql: Connection, id: string, column: string): Promise<void> {
  await sql`update public.response_jobs set ${sql(column)} = ${sql(column)} where id = ${id}`;
}

/** Removes all jobs with whatever belongs to them. */
export async function removeAllJobs(sql: Connection): Promise<void> {
  await sql`truncate public.response_jobs cascade`;
}
