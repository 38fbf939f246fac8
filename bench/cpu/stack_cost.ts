import type { BenchOptions } from "../support/bench.ts";
import { cpuBetween, descendants } from "../support/processes.ts";
import { startBenchStack, until } from "../support/stack.ts";

export interface StackCost {
  /** CPU of one synchronous job, ms, by process name. */
  jobCpuMs: Map<string, number>;
  /** Resident memory of the worker after all jobs, MB. */
  workerMb: number;
  /** Queries while nothing is due: those of cron. */
  idleQueriesPerSecond: number;
  /** Requests that functions got meanwhile. */
  idleRequests: number;
}

/** What the whole stack uses for a job and while there is none; cron runs every 10 s, as installed. */
export async function measureStack(
  { quick, progress }: BenchOptions,
): Promise<StackCost> {
  const jobs = quick ? 100 : 400;
  const idleSeconds = quick ? 30 : 120;
  await using bench = await startBenchStack({ background: "failed", latencyMs: 0 }, {
    wallClockMs: 600_000,
  });
  const { stack, sql } = bench;
  const completed = async () => {
    const [row] =
      await sql`select count(*)::int as n from public.response_jobs where status = 'completed'`;
    return Number(row?.["n"]);
  };
  const work = async (count: number) => {
    const goal = await completed() + count;
    await sql`
      select count(public.enqueue_response_job('What is new? ' || g)) from generate_series(1, ${count}::int) g`;
    const answer = await fetch(`${stack.functionsUrl}/run-jobs`, {
      method: "POST",
      headers: { "x-worker-secret": stack.workerSecret },
      body: '{"source": "bench"}',
    });
    await answer.body?.cancel();
    await until("the jobs", async () => await completed() >= goal || undefined, 120_000, 50);
  };
  await sql`update public.response_settings set max_workers = 1`;
  await work(20);
  const before = await descendants();
  await work(jobs);
  const after = await descendants();
  progress(`${jobs} jobs through the stack`);

  await until(
    "the worker's end",
    async () => {
      const [row] = await sql`select count(*)::int as n from public.response_workers`;
      return Number(row?.["n"]) === 0 || undefined;
    },
    60_000,
    100,
  );
  // The stand-ins for pg_cron, pg_net and Realtime look at their tables all the time: what is ours is what cron runs,
  // and what functions ask when they are woken.
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
      [...cpuBetween(before, after)].map(([name, ms]) => [name, ms / jobs]),
    ),
    workerMb: Math.max(...(await stack.edge.usage()).map(({ rssMb }) => rssMb)),
    idleQueriesPerSecond: (await queries() - seen.queries) / idleSeconds,
    idleRequests: await requests() - seen.requests,
  };
}
