import type { Bench, BenchOptions, BenchResult, Row } from "../support/bench.ts";
import {
  countCompleted,
  queueJobs,
  startBenchStack,
  until,
  untilWorkersEnd,
  wake,
} from "../support/stack.ts";
import { summarize } from "../support/stats.ts";

export interface DrainSizes {
  workers: number[];
  /** Jobs per worker with an upstream that takes no time. */
  jobs: number;
  /** How many times each worker fills its concurrency, with an upstream that takes `slowMs`; 0 leaves that part out. */
  waves: number;
  slowMs: number;
  rounds: number;
}

/** Runs per worker in this bench: few enough that the machine does not limit slow runs. */
const concurrency = 8;

/** Drains a backlog with more and more workers. */
export const drain: Bench = {
  name: "drain",
  title: "jobs/s through the functions and PostgREST, by workers and upstream latency",
  run: (options) =>
    measureDrain(
      options,
      options.quick
        ? { workers: [1, 2, 4], jobs: 40, waves: 2, slowMs: 5_000, rounds: 1 }
        : { workers: [1, 2, 3, 4], jobs: 200, waves: 4, slowMs: 5_000, rounds: 3 },
    ),
};

/** Queues jobs in SQL, wakes a worker, and counts until the last is completed. */
export async function measureDrain(
  { progress }: BenchOptions,
  { workers, jobs, waves, slowMs, rounds }: DrainSizes,
): Promise<BenchResult> {
  const cases = workers.flatMap((count) => [
    { count, latencyMs: 0, total: jobs * count },
    ...(waves > 0 ? [{ count, latencyMs: slowMs, total: waves * concurrency * count }] : []),
  ]).map((one) => ({ ...one, values: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? cases : cases.toReversed()) {
      one.values.push(await jobsPerSecond(one.count, one.latencyMs, one.total));
      progress(
        `${one.count} workers, ${one.latencyMs} ms: ${one.values.at(-1)?.toFixed(1)} jobs/s`,
      );
    }
  }
  const rows = cases.toSorted((a, b) => a.latencyMs - b.latencyMs).map((
    { count, latencyMs, values },
  ): Row => ({
    name: `${count} workers, ${latencyMs / 1000} s`,
    summary: summarize(values),
  }));
  const most = Math.max(...workers);
  const fewest = Math.min(...workers);
  const speedUp = (latencyMs: number) => {
    const rate = (count: number) =>
      rows.find(({ name }) => name === `${count} workers, ${latencyMs / 1000} s`)?.summary.median ??
        NaN;
    return rate(most) / rate(fewest) / (most / fewest);
  };
  return {
    value: speedUp(waves > 0 ? slowMs : 0),
    line: 0.8,
    atLeast: true,
    unit: "jobs/s",
    rows,
    notes: [
      `share of linear from ${fewest} to ${most} workers: ${
        waves > 0 ? `${speedUp(slowMs).toFixed(2)} at ${slowMs / 1000} s, ` : ""
      }${
        speedUp(0).toFixed(2)
      } at 0 s (this machine has ${navigator.hardwareConcurrency} cores for Postgres, PostgREST, gateway and workers together)`,
      `a worker runs ${concurrency} at a time here: at ${slowMs / 1000} s at most ${
        (concurrency / (slowMs / 1000)).toFixed(1)
      } jobs/s each`,
    ],
  };
}

async function jobsPerSecond(workers: number, latencyMs: number, total: number): Promise<number> {
  await using bench = await startBenchStack({ background: "failed", latencyMs }, {
    maxWorkers: workers,
    env: { DURABLE_RESPONSES_CONCURRENCY: String(concurrency) },
  });
  const { stack, sql } = bench;
  stack.cron.pause();
  await sql`update public.response_settings set max_workers = ${workers}`;
  const wakeAll = () => Promise.all(Array.from({ length: workers }, () => wake(stack)));
  // Every worker starts and runs something before the clock starts.
  await queueJobs(sql, workers * 2);
  await wakeAll();
  await until(
    "the warm-up",
    async () => await countCompleted(sql) >= workers * 2 || undefined,
    60_000,
    20,
  );
  await queueJobs(sql, total);
  const began = performance.now();
  await wakeAll();
  await until(
    "the backlog",
    async () => await countCompleted(sql) >= workers * 2 + total || undefined,
    300_000,
    20,
  );
  const perSecond = total / ((performance.now() - began) / 1000);
  // A stack that stops before its workers have signed off prints a long report.
  await untilWorkersEnd(sql);
  return perSecond;
}
