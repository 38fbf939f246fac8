import { type Bench, byTurns } from "../support/bench.ts";
import { deno, firstLine } from "../support/process.ts";
import { DELTAS, ITEMS } from "./stream.ts";

const here = (file: string) => new URL(file, import.meta.url).pathname;

/** CPU of one streamed run against merely reading the same body. */
export const cpu: Bench = {
  name: "cpu",
  title:
    `CPU ms of one streamed run (${DELTAS} deltas, ${ITEMS} items) against merely reading the same body`,
  async run({ quick, progress }) {
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
      const measure = (variant: string) => async () => {
        const client = deno([here("./client.ts"), variant, url, String(runs)], env);
        const ms = Number(await firstLine(client));
        await client.status;
        return ms;
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
      return { value: median("product") / median("merely-read"), line: 1.3, unit: "ms", rows };
    } finally {
      server.kill("SIGKILL");
      await server.status;
    }
  },
};
