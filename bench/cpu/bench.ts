import { z } from "zod";
import { type Bench, byTurns } from "../support/bench.ts";
import { deno, firstLine } from "../support/process.ts";
import { summarize } from "../support/stats.ts";
import { measureStack, type StackCost } from "./stack-cost.ts";
import { deltasPerRun, itemsPerRun } from "./stream.ts";

const here = (file: string) => new URL(file, import.meta.url).pathname;

const printed = z.object({ cpuMs: z.number(), peakMb: z.number() });

/** Compares the CPU of one streamed run with merely reading the same body. */
export const cpu: Bench = {
  name: "cpu",
  title:
    `CPU ms of one streamed run (${deltasPerRun} deltas, ${itemsPerRun} items) against merely reading the same body`,
  async run(options) {
    const { quick, progress } = options;
    const server = deno([here("./server.ts")]);
    try {
      const url = `http://127.0.0.1:${await firstLine(server)}`;
      const runs = quick ? 20 : 50;
      const env = {
        SUPABASE_URL: url,
        SUPABASE_SECRET_KEYS: '{"default":"sb_secret_bench"}',
        OPENAI_API_KEY: "sk-bench-000000",
        OPENAI_BASE_URL: url,
        DURABLE_RESPONSES_WORKER_SECRET: "bench-worker-secret",
      };
      const memory = new Map<string, number[]>();
      const measure = (variant: string) => async () => {
        const client = deno([here("./client.ts"), variant, url, String(runs)], env);
        const { cpuMs, peakMb } = printed.parse(JSON.parse(await firstLine(client)));
        await client.status;
        memory.set(variant, [...memory.get(variant) ?? [], peakMb]);
        return cpuMs;
      };
      const rows = await byTurns(
        ["merely-read", "product", "sdk-iterator"].map((name) => ({
          name,
          measure: measure(name),
        })),
        quick ? 5 : 11,
        progress,
      );
      const median = (name: string) => rows.find((row) => row.name === name)?.summary.median ?? NaN;
      const megabytes = (name: string) =>
        `${name} ${summarize(memory.get(name) ?? []).median.toFixed(0)}`;
      return {
        value: median("product") / median("merely-read"),
        line: 1.3,
        unit: "ms",
        rows,
        notes: [
          `peak memory of a process with 8 runs at once, MB: ${
            ["merely-read", "product", "sdk-iterator"].map(megabytes).join(", ")
          }`,
          ...notesOn(await measureStack(options)),
        ],
      };
    } finally {
      server.kill("SIGKILL");
      await server.status;
    }
  },
};

function notesOn(cost: StackCost): string[] {
  const list = (sums: Map<string, number>) =>
    [...sums].filter(([, ms]) => ms > 0).map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(", ");
  return [
    `a job with a short answer, CPU ms: ${
      list(cost.jobCpuMs)
    } (deno: the functions); the worker then has ${cost.workerMb.toFixed(0)} MB`,
    `with nothing due: ${
      cost.idleQueriesPerSecond.toFixed(2)
    } queries/s (line: 1), ${cost.idleRequests} HTTP requests (line: 0)`,
  ];
}
