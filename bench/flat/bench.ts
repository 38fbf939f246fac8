import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { startBenchCluster } from "../support/database.ts";
import { percentile, summarize } from "../support/stats.ts";
import { measureSnapshot } from "./snapshot.ts";
import { measureTables } from "./tables.ts";

export interface FlatSizes {
  waiting: number;
  finished: number;
  claims: number;
  /** The rate of the load, in jobs/s, while a snapshot is held. */
  perSecond: number;
  seconds: number;
}

const full: FlatSizes = {
  waiting: 1_000_000,
  finished: 5_000_000,
  claims: 1_000,
  perSecond: 500,
  seconds: 100,
};
const quick: FlatSizes = {
  waiting: 60_000,
  finished: 120_000,
  claims: 200,
  perSecond: 200,
  seconds: 8,
};

/** What a claim costs as the table grows. */
export const flat: Bench = {
  name: "flat",
  title: "ms of a claim: from an empty table, a long queue, a long history, beside a held snapshot",
  run: (options) => measureFlat(options, options.quick ? quick : full),
};

/** Measures claims on each table in turns, then under load with and without a held snapshot. */
export async function measureFlat(
  { progress }: BenchOptions,
  sizes: FlatSizes,
): Promise<BenchResult> {
  // Not durable, because this is about a claim's pages and CPU, not about the disk.
  await using database = await startBenchCluster({ durable: false });
  const { empty, waiting, finished } = await measureTables(
    database,
    { few: sizes.claims * 2, ...sizes },
    sizes.claims,
    progress,
  );
  const { free, held } = await measureSnapshot(database, sizes.perSecond, sizes.seconds);
  const ratio = (p: number, of: number[], to: number[]) => percentile(of, p) / percentile(to, p);
  const ratios = (of: number[], to: number[]) =>
    `p50 ${ratio(50, of, to).toFixed(2)}×, p99 ${ratio(99, of, to).toFixed(2)}×`;
  const p99 = (values: number[]) => `${percentile(values, 99).toFixed(2)} ms`;
  return {
    // The line for the held snapshot is 2. It is scaled to 1.3, so that one number covers all three.
    value: Math.max(
      ratio(50, waiting, empty),
      ratio(50, finished, empty),
      (ratio(50, held.claims, free.claims) / 2) * 1.3,
    ),
    line: 1.3,
    unit: "ms",
    rows: [
      { name: "empty", summary: summarize(empty) },
      { name: `${sizes.waiting} waiting`, summary: summarize(waiting) },
      { name: `${sizes.finished} finished`, summary: summarize(finished) },
      { name: `${sizes.perSecond}/s, no snapshot`, summary: summarize(free.claims) },
      { name: `${sizes.perSecond}/s, snapshot held`, summary: summarize(held.claims) },
    ],
    notes: [
      `${sizes.waiting} waiting against empty: ${ratios(waiting, empty)} (${p99(waiting)} against ${
        p99(empty)
      })`,
      `${sizes.finished} finished against empty: ${ratios(finished, empty)} (${p99(finished)})`,
      `snapshot held for ${sizes.seconds} s at ${sizes.perSecond} jobs/s: ${
        ratios(held.claims, free.claims)
      } of the same load without (line: 2×); backlog at the end ${held.backlog} jobs, without ${free.backlog} (line: ${sizes.perSecond})`,
    ],
  };
}
