import { z } from "zod";
import type { Bench, BenchOptions, BenchResult, Row } from "../support/bench.ts";
import { type BenchCluster, startBenchCluster } from "../support/database.ts";
import { deno, firstLine } from "../support/process.ts";
import { summarize } from "../support/stats.ts";

const ours = "durable-responses";
const tunedSystems = ["pg-boss", "graphile-worker"];
const all = [ours, ...tunedSystems, "pg-boss defaults", "graphile-worker defaults"];

const Measured = z.object({ perSecond: z.number(), cpuMs: z.number() });
const Phases = z.object({
  "enqueue": Measured,
  "one by one": Measured,
  "enqueue 100": Measured,
  "batches": Measured,
});
type Phase = keyof z.infer<typeof Phases>;
const phases: Phase[] = ["enqueue", "one by one", "enqueue 100", "batches"];

/** Jobs/s, as a multiple of a peer's. */
const rateLines: { phase: Phase; peers: string[]; times: number }[] = [
  { phase: "enqueue", peers: tunedSystems, times: 1.5 },
  { phase: "enqueue 100", peers: tunedSystems, times: 1 },
  { phase: "one by one", peers: ["pg-boss"], times: 1.2 },
  { phase: "one by one", peers: ["graphile-worker"], times: 0.6 },
  { phase: "batches", peers: ["pg-boss"], times: 0.6 },
];
/**
 * Postgres CPU of a claim and its completion, at most this multiple of pg-boss's: half of what it was before jobs and waits
 * were two tables (2.05 ms one by one and 0.31 ms in batches, when pg-boss took 1.12 and 0.087 in the same run).
 */
const cpuLines: { phase: Phase; peer: string; times: number }[] = [
  { phase: "one by one", peer: "pg-boss", times: 0.5 * (2.05 / 1.12) },
  { phase: "batches", peer: "pg-boss", times: 0.5 * (0.31 / 0.087) },
];

const client = new URL("./client.ts", import.meta.url).pathname;

/** Compares jobs/s and Postgres CPU of our queue with the queues that people would choose instead. */
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
  /** Longest drain, in s, because a queue that polls every 2 s would take forever. */
  seconds: number;
  warmUp: boolean;
}

/** Runs every system in turns, in changing order, each in a fresh process on a fresh database. */
export async function measureQueue(
  { progress }: BenchOptions,
  { systems, jobs, rounds, seconds, warmUp }: QueueSizes,
): Promise<BenchResult> {
  await using database = await startBenchCluster();
  const postmaster = await postmasterOf(database);
  const rates = new Map<string, number[]>();
  const cpu = new Map<string, number[]>();
  const measure = (system: string, count: number) =>
    measureOne(database, postmaster, { system, jobs: count, seconds, warmUp });
  // Warms up the disk, the shared buffers and Deno's cache. Each process warms up the rest by itself.
  for (const system of warmUp ? systems : []) await measure(system, Math.ceil(jobs / 10));
  for (let round = 0; round < rounds; round++) {
    for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
      const measured = await measure(system, jobs);
      for (const phase of phases) {
        const key = rowName(phase, system);
        rates.set(key, [...rates.get(key) ?? [], measured[phase].perSecond]);
        cpu.set(key, [...cpu.get(key) ?? [], measured[phase].cpuMs]);
      }
    }
    progress(`round ${round + 1} of ${rounds}`);
  }
  const medians = (taken: Map<string, number[]>) => (phase: Phase, system: string) =>
    summarize(taken.get(rowName(phase, system)) ?? []).median;
  const rows = phases.flatMap((phase) =>
    systems.map((system): Row => {
      const name = rowName(phase, system);
      return { name, summary: summarize(rates.get(name) ?? []) };
    })
  );
  return {
    ...judge(systems, medians(rates), medians(cpu)),
    line: 1,
    atLeast: true,
    unit: "jobs/s",
    rows,
  };
}

const rowName = (phase: Phase, system: string) => `${phase}: ${system}`;
type Median = (phase: Phase, system: string) => number;

function judge(systems: string[], rate: Median, cpu: Median) {
  const verdicts = [
    ...rateLines.map(({ phase, peers, times }) => {
      const ratio = rate(phase, ours) / Math.max(...peers.map((peer) => rate(phase, peer)));
      const of = peers.length > 1 ? "the fastest tuned peer" : peers[0];
      return {
        reached: ratio / times,
        text: `${phase} ${ratio.toFixed(2)}× ${of} (line: ≥ ${times})`,
      };
    }),
    ...cpuLines.map(({ phase, peer, times }) => {
      const ratio = cpu(phase, ours) / cpu(phase, peer);
      return {
        reached: times / ratio,
        text: `CPU ${phase} ${ratio.toFixed(2)}× ${peer} (line: ≤ ${times.toFixed(2)})`,
      };
    }),
  ];
  return {
    // The worst result stands for all lines. With very few jobs, /proc shows no CPU time, and that line is left out.
    value: Math.min(...verdicts.map(({ reached }) => reached).filter((value) => value > 0)),
    notes: [
      verdicts.map(({ text }) => text).join(", "),
      `Postgres CPU, ms a job: ${
        phases.map((phase) =>
          `${phase} ${
            systems.map((system) => `${system} ${cpu(phase, system).toFixed(3)}`).join(", ")
          }`
        ).join("; ")
      }`,
    ],
  };
}

async function postmasterOf({ cluster }: BenchCluster): Promise<number> {
  const file = await Deno.readTextFile(`${cluster.dataFolder}/postmaster.pid`);
  return Number(file.slice(0, file.indexOf("\n")));
}

async function measureOne(
  database: BenchCluster,
  postmaster: number,
  { system, jobs, seconds, warmUp }: { system: string } & Omit<QueueSizes, "systems" | "rounds">,
) {
  const name = await database.fresh(system === ours ? "product" : "empty");
  try {
    const url = database.cluster.url("postgres", name);
    const numbers = [postmaster, jobs, seconds].map(String);
    const child = deno([client, system, url, ...numbers, ...warmUp ? ["warm"] : []]);
    const measured = Phases.parse(JSON.parse(await firstLine(child)));
    await child.status;
    return measured;
  } finally {
    await database.drop(name);
  }
}
