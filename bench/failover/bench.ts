import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { ask, startBenchStack, until, untilWorkersEnd } from "../support/stack.ts";
import { percentile, summarize } from "../support/stats.ts";

/** The time from the known failure to the synchronous request. */
export const failover: Bench = {
  name: "failover",
  title:
    "ms from OpenAI's answer that background failed to the synchronous request, with the nudge",
  run: (options) => measureFailover(options, options.quick ? 60 : 500, options.quick ? 2 : 12),
};

/** Lets `nudged` jobs fail over with the nudge, then lets cron find `silent` jobs without one. */
export async function measureFailover(
  { progress }: BenchOptions,
  nudged: number,
  silent: number,
): Promise<BenchResult> {
  await using bench = await startBenchStack({ background: "failed" });
  const { stack, sql, upstream } = bench;
  // Otherwise the breaker would skip background, and nothing would fail over.
  await sql`update public.response_settings set breaker_failures = 1000`;
  stack.cron.pause();
  const withNudge: number[] = [];
  for (let i = 0; i < nudged + 5; i++) {
    const query = `nudged ${i}`;
    await ask(stack, query);
    const took = await until("the synchronous request", () => {
      const calls = upstream.calls.filter(({ input }) =>
        JSON.stringify(input).includes(`"${query}"`)
      );
      const failed = calls.find(({ background }) => background);
      const run = calls.find(({ background }) => !background);
      return failed && run && run.at - failed.answeredAt;
    });
    upstream.calls.length = 0;
    // The first ones start the workers.
    if (i >= 5) withNudge.push(took);
  }
  progress(`${nudged} with the nudge`);
  stack.cron.resume();
  const withoutNudge: number[] = [];
  for (let i = 0; i < silent; i++) {
    const query = `silent ${i}`;
    await untilWorkersEnd(sql);
    const began = performance.now();
    await sql`select public.enqueue_response_job(${query})`;
    const at = await until(
      "cron",
      () => upstream.calls.find(({ input }) => JSON.stringify(input).includes(`"${query}"`))?.at,
    );
    withoutNudge.push(at - began);
    progress(`${i + 1} of ${silent} without`);
  }
  const p50 = percentile(withNudge, 50);
  const p99 = percentile(withNudge, 99);
  return {
    // Both lines in one number: p50 ≤ 50 ms and p99 ≤ 250 ms.
    value: Math.max(p50, p99 / 5),
    line: 50,
    unit: "ms",
    rows: [
      { name: "with the nudge", summary: summarize(withNudge) },
      ...(silent > 0 ? [{ name: "without: cron, 10 s", summary: summarize(withoutNudge) }] : []),
    ],
    notes: [
      `with the nudge p50 ${p50.toFixed(1)} ms (line: 50), p99 ${p99.toFixed(1)} ms (line: 250)`,
    ],
  };
}
