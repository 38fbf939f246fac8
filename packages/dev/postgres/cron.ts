/**
 * Runs the jobs of cron.job as pg_cron's background worker does: once a second it looks which are due; each runs as its
 * own user on a connection of its own, one instance of a job at a time; a run that falls due meanwhile follows at once.
 */
import type { Sql } from "postgres";
import type { Cluster } from "./cluster.ts";
import { type CronJob, type JobRun, runCronJob } from "./cron-job.ts";
import { Pool } from "./pool.ts";
import { isDue, isReboot } from "./schedule.ts";

export interface CronOptions {
  /** Whose cron.job to read; "postgres" by default. */
  database?: string;
  /** true: nothing runs by the clock until resume(). */
  paused?: boolean;
  /** Gets one line per failed run or failed look. */
  onLog?: (line: string) => void;
}

export interface Cron {
  pause(): void;
  resume(): void;
  /**
   * Runs what is due at `at` (now), paused or not, and waits until nothing runs. Due counts from the last start, or from
   * when the job was first seen.
   */
  runDue(at?: Date): Promise<void>;
  /** Runs one job by its name, due or not, active or not. Throws if there is none. */
  runJob(name: string): Promise<JobRun>;
  /** Ends the clock, waits for running jobs. */
  stop(): Promise<void>;
}

const tickMs = 1000;

/** Starts the scheduler. pg_cron need not be installed yet: its table is looked for at each tick. */
export async function startCron(cluster: Cluster, options: CronOptions = {}): Promise<Cron> {
  const database = options.database ?? "postgres";
  const log = options.onLog ?? (() => {});
  const pool = new Pool(() => cluster.connect("supabase_admin", database, { max: 2 }));
  const lastStart = new Map<string, Date>();
  const running = new Map<string, Promise<JobRun>>();
  let paused = options.paused ?? false;
  let looking: Promise<void> | undefined;

  const run = (job: CronJob): Promise<JobRun> => {
    const earlier = running.get(job.jobid);
    // How the earlier run ended is told to whoever started it.
    const started = Promise.allSettled([earlier]).then(() => runCronJob(cluster, pool, job));
    const watched = started.finally(() => {
      if (running.get(job.jobid) === watched) running.delete(job.jobid);
    });
    running.set(job.jobid, watched);
    return watched;
  };

  const startDue = async (at: Date): Promise<Promise<JobRun>[]> => {
    const jobs = (await pool.use(readJobs)).filter(({ active }) => active);
    const due = jobs.filter((job) => {
      const since = lastStart.get(job.jobid);
      if (since === undefined) lastStart.set(job.jobid, at);
      return since !== undefined && isDue(job.schedule, since, at) && !running.has(job.jobid);
    });
    return due.map((job) => {
      lastStart.set(job.jobid, at);
      return run(job);
    });
  };

  const note = (error: unknown) =>
    log(`pg_cron: ${error instanceof Error ? error.message : error}`);
  const noteFailure = (outcome: JobRun) => {
    if (outcome.status === "failed") log(`pg_cron: job ${outcome.jobid}: ${outcome.message}`);
  };
  const tick = async () => {
    // A server that is down or restarting is looked for again at the next tick.
    const started = await startDue(new Date()).catch((error) => (note(error), []));
    for (const one of started) one.then(noteFailure, note);
  };
  const clock = setInterval(() => {
    if (!paused) looking ??= tick().finally(() => looking = undefined);
  }, tickMs);

  for (const job of await pool.use(readJobs)) {
    lastStart.set(job.jobid, new Date());
    if (job.active && isReboot(job.schedule) && !paused) run(job).then(noteFailure, note);
  }

  return {
    pause: () => void (paused = true),
    resume: () => void (paused = false),
    async runDue(at = new Date()) {
      await startDue(at);
      for (const outcome of await Promise.all(running.values())) noteFailure(outcome);
    },
    async runJob(name) {
      const job = (await pool.use(readJobs)).find(({ jobname }) => jobname === name);
      if (job === undefined) {
        throw new Error(`Cannot run cron job '${name}': cron.job must hold a job of that name`);
      }
      lastStart.set(job.jobid, new Date());
      return await run(job);
    },
    async stop() {
      clearInterval(clock);
      await looking;
      await Promise.allSettled(running.values());
      await pool.end();
    },
  };
}

async function readJobs(sql: Sql): Promise<CronJob[]> {
  const [installed] = await sql`select to_regclass('cron.job') is not null as yes`;
  if (installed?.["yes"] !== true) return [];
  return await sql<CronJob[]>`
    select jobid::text, schedule, command, database, username, active, jobname from cron.job order by jobid
  `;
}
