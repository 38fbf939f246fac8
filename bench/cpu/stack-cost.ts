import type { BenchOptions } from "../support/bench.ts";
import { cpuOfDescendants } from "../support/processes.ts";
import {
  countCompleted,
  queueJobs,
  startBenchStack,
  until,
  untilWorkersEnd,
  wake,
} from "../support/stack.ts";

export interface StackCost {
  /** CPU of one synchronous job, in ms, by process name. */
  jobCpuMs: Map<string, number>;
  /** Resident memory of the worker after all jobs, in MB. */
  workerMb: number;
  /** Cron's queries while nothing is due. */
  idleQueriesPerSecond: number;
  /** Requests that functions got in that time. */
  idleRequests: number;
}

/** What the whole stack uses for a job, and while there is none. Cron runs every 10 s, as installed. */
export async function measureStack(
  { quick, progress }: BenchOptions,
): Promise<StackCost> {
  const jobs = quick ? 100 : 400;
  const idleSeconds = quick ? 30 : 120;
  await using bench = await startBenchStack({ background: "failed", latencyMs: 0 }, {
    wallClockMs: 600_000,
  });
  const { stack, sql } = bench;
  const work = async (count: number) => {
    const goal = await countCompleted(sql) + count;
    await queueJobs(sql, count);
    await wake(stack);
    await until(
      "the jobs",
      async () => await countCompleted(sql) >= goal || undefined,
      120_000,
      50,
    );
  };
  await sql`update public.response_settings set max_workers = 1`;
  await work(20);
  const before = await cpuOfDescendants();
  await work(jobs);
  const after = await cpuOfDescendants();
  progress(`${jobs} jobs through the stack`);

  await untilWorkersEnd(sql);
  // The stand-ins for pg_cron, pg_net and Realtime poll their tables all the time. Only what cron runs, and what functions
  // ask when they are woken, is ours.
  const queries = async () => {
    const [row] = await sql`select count(*)::int as n from cron.job_run_details`;
    return Number(row?.["n"]);
  };
  const requests = async () =>
    (await stack.edge.usage()).reduce((sum, worker) => sum + worker.requests, 0);
  const seen = { queries: await queries(), requests: await requests() };
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000));
  progress(`${idleSeconds} s without a job`);
  return {
    jobCpuMs: new Map(
      [...after].map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / jobs]),
    ),
    workerMb: Math.max(...(await stack.edge.usage()).map(({ rssMb }) => rssMb)),
    idleQueriesPerSecond: (await queries() - seen.queries) / idleSeconds,
    idleRequests: await requests() - seen.requests,
  };
}
