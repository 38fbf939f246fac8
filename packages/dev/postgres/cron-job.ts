/** One run of one cron job, recorded in cron.job_run_details as pg_cron records it. */
import type { Row, RowList } from "postgres";
import type { Cluster } from "./cluster.ts";
import { Pool } from "./pool.ts";

/** A row of cron.job; ids as text, since they are 64 bits. */
export interface CronJob {
  jobid: string;
  schedule: string;
  command: string;
  database: string;
  username: string;
  active: boolean;
  jobname: string | null;
}

export interface JobRun {
  jobid: string;
  runid: string;
  status: "succeeded" | "failed";
  /** "1 row", a command tag, or "ERROR: …". */
  message: string;
}

/**
 * Runs the job's command as its user and waits for its end. A command that fails is a result, not an error; throws only
 * if the run cannot be recorded.
 */
export async function runCronJob(cluster: Cluster, admin: Pool, job: CronJob): Promise<JobRun> {
  const [details] = await admin.use((sql) =>
    sql<{ runid: string }[]>`
      insert into cron.job_run_details (jobid, database, username, command, status)
      values (${job.jobid}, ${job.database}, ${job.username}, ${job.command}, 'starting')
      returning runid::text`
  );
  if (details === undefined) throw new Error(`Cannot record a run of cron job ${job.jobid}`);
  const { runid } = details;
  const outcome = await execute(cluster, job, async (pid) => {
    await admin.use((sql) =>
      sql`
        update cron.job_run_details set status = 'running', job_pid = ${pid}, start_time = clock_timestamp()
        where runid = ${runid}`
    );
  });
  await admin.use((sql) =>
    sql`
      update cron.job_run_details
      set status = ${outcome.status}, return_message = ${outcome.message}, end_time = clock_timestamp()
      where runid = ${runid}`
  );
  return { jobid: job.jobid, runid, ...outcome };
}

async function execute(
  cluster: Cluster,
  job: CronJob,
  onStart: (pid: number) => Promise<void>,
): Promise<Pick<JobRun, "status" | "message">> {
  const own = new Pool(() => cluster.connect(job.username, job.database, { max: 1 }));
  try {
    const [backend] = await own.use((sql) =>
      sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    );
    await onStart(backend?.pid ?? 0);
    const result = await own.use((sql) => sql.unsafe(job.command));
    // Several statements give a list of results; pg_cron reports the last.
    const last: unknown = result.at(-1);
    return { status: "succeeded", message: describe(isResult(last) ? last : result) };
  } catch (error) {
    return {
      status: "failed",
      message: `ERROR: ${error instanceof Error ? error.message : error}`,
    };
  } finally {
    await own.end();
  }
}

function isResult(value: unknown): value is RowList<Row[]> {
  return Array.isArray(value) && "command" in value && "count" in value;
}

function describe(result: RowList<Row[]>): string {
  if (result.command === "SELECT") return result.length === 1 ? "1 row" : `${result.length} rows`;
  return `${result.command} ${result.count ?? ""}`.trim();
}
