import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { ask, startBenchStack, until } from "../support/stack.ts";
import { summarize } from "../support/stats.ts";

const callers = 4;

/** How many calls to OpenAI a route with broken background costs. */
export const waste: Bench = {
  name: "waste",
  title: "OpenAI calls per finished job while background is broken on the route",
  run: (options) => measureWaste(options, options.quick ? 400 : 1_000),
};

/** Submits `jobs` queries through `respond`, waits until all are completed, and counts the calls that reached OpenAI. */
export async function measureWaste(_: BenchOptions, jobs: number): Promise<BenchResult> {
  await using bench = await startBenchStack({ background: "failed" }, { durable: false });
  const { stack, sql, upstream } = bench;
  let asked = 0;
  await Promise.all(Array.from({ length: callers }, async () => {
    while (asked < jobs) {
      const status = await ask(stack, `job ${asked++}`);
      if (status !== 200 && status !== 202) {
        throw new Error(`Cannot measure waste: a submit was answered with ${status}`);
      }
    }
  }));
  const finished = async () => {
    const [row] =
      await sql`select count(*)::int as n from public.response_jobs where status = 'completed'`;
    return Number(row?.n) >= jobs ? Number(row?.n) : undefined;
  };
  const done = await until("the jobs", finished, 300_000, 100);
  const inBackground = upstream.calls.filter(({ background }) => background).length;
  const value = upstream.calls.length / done;
  return {
    value,
    line: 1.02,
    unit: "calls/job",
    rows: [{ name: `${jobs} jobs`, summary: summarize([value]) }],
    notes: [
      `${upstream.calls.length} calls for ${done} jobs; ${inBackground} of them tried background`,
      "without the breaker every job would cost 2 calls",
    ],
  };
}
