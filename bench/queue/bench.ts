import { z } from "zod";
import type { Bench, BenchOptions, BenchResult, Row } from "../support/bench.ts";
import { type BenchCluster, startBenchCluster } from "../support/database.ts";
import { deno, firstLine } from "../support/process.ts";
import { percentile, summarise } from "../support/stats.ts";

const ours = "durable-responses";
const tunedSystems = ["pg-boss", "graphile-worker"];
const all = [ours, ...tunedSystems, "pg-boss defaults", "graphile-worker defaults"];

const Rates = z.object({
  "enqueue": z.number(),
  "one by one": z.number(),
  "enqueue 100": z.number(),
  "batches": z.number(),
});
type Phase = keyof z.infer<typeof Rates>;
const phases: Phase[] = ["enqueue", "one by one", "enqueue 100", "batches"];

const client = new URL("./client.ts", import.meta.url).pathname;

/** Jobs/s of a queue against the queues that people would pick instead. */
export const queue: Bench = {
  name: "queue",
  title: "jobs/s: enqueue with a key, claim + complete one by one and in batches",
  run: (options) =>
    measureQueue(
      options,
      options.quick
        ? { systems: all, jobs: 1_000, rounds: 3, seconds: 1, warmUp: true }
        : { systems: all, jobs: 3_000, rounds: 7, seconds: 5, warmUp: true },
    ),
};

export interface QueueSizes {
  systems: string[];
  /** Jobs of each phase. */
  jobs: number;
  rounds: number;
  /** Longest drain: whoever polls every 2 s would take for ever. */
  seconds: number;
  warmUp: boolean;
}

/** Runs every system by turns, in changing order, each in a fresh process on a fresh database. */
export async function measureQueue(
  { progress }: BenchOptions,
  { systems, jobs, rounds, seconds, warmUp }: QueueSizes,
): Promise<BenchResult> {
  await using database = await startBenchCluster();
  const rates = new Map<string, number[]>();
  const measure = (system: string, count: number) => measureOne(database, system, count, seconds);
  // Warm-up of the disk, the shared buffers and Deno's cache.
  for (const system of warmUp ? systems : []) await measure(system, Math.ceil(jobs / 10));
  for (let round = 0; round < rounds; round++) {
    for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
      const measured = await measure(system, jobs);
      for (const phase of phases) {
        const key = rowName(phase, system);
        rates.set(key, [...rates.get(key) ?? [], measured[phase]]);
      }
    }
    progress(`round ${round + 1} of ${rounds}`);
  }
  const rows = phases.flatMap((phase) =>
    systems.map((system): Row => {
      const name = rowName(phase, system);
      return { name, summary: summarise(rates.get(name) ?? []) };
    })
  );
  return { ...judge(rows), line: 1, atLeast: true, unit: "jobs/s", rows };
}

const rowName = (phase: Phase, system: string) => `${phase}: ${system}`;

function judge(rows: Row[]) {
  const median = (phase: Phase, system: string) =>
    rows.find(({ name }) => name === rowName(phase, system))?.summary.median ?? NaN;
  const ratios = phases.map((phase) => ({
    phase,
    ratio: median(phase, ours) / Math.max(...tunedSystems.map((system) => median(phase, system))),
  }));
  return {
    // The line is about every phase, so the worst one stands for all.
    value: percentile(ratios.map(({ ratio }) => ratio), 0),
    notes: [
      `against the fastest tuned peer: ${
        ratios.map(({ phase, ratio }) => `${phase} ${ratio.toFixed(2)}×`).join(", ")
      }`,
    ],
  };
}

async function measureOne(database: BenchCluster, system: string, jobs: number, seconds: number) {
  const name = await database.fresh(system === ours ? "product" : "empty");
  try {
    const url = database.cluster.url("postgres", name);
    const child = deno([client, system, url, String(jobs), String(seconds)]);
    const rates = Rates.parse(JSON.parse(await firstLine(child)));
    await child.status;
    return rates;
  } finally {
    await database.drop(name);
  }
}
