import { fileURLToPath } from "node:url";
import { startEdge } from "../../packages/dev/edge/runtime.ts";
import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { type BenchStack, startBenchStack, until } from "../support/stack.ts";
import { summarize } from "../support/stats.ts";
import { toolMs } from "./profiles.ts";

const functions = fileURLToPath(new URL("./functions", import.meta.url));
/** Rounds of one job. Each except the last ends in a call. */
const rounds = 8;
const warmUp = 2;

/** What a round with a call of ours costs in addition to the tool itself. */
export const tools: Bench = {
  name: "tools",
  title:
    "ms that a round with a call adds to the tool's own 20 ms: from OpenAI's answer to the next request",
  run: (options) => measureTools(options, options.quick ? 10 : 60),
};

/** Runs jobs one at a time, in turns with the loop by hand, and reads the upstream's clock. */
export async function measureTools(_: BenchOptions, jobs: number): Promise<BenchResult> {
  await using bench = await startBenchStack(
    { background: "queued", functionCalls: rounds },
    { profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)) },
  );
  const { sql, upstream } = bench;
  await makeFunction(bench);
  const edge = startEdge({
    functionsDir: functions,
    env: { OPENAI_API_KEY: "sk-bench-000000", OPENAI_BASE_URL: upstream.url },
  });
  try {
    const added: Record<string, number[]> = { loop: [], once: [], sql: [] };
    const kinds: Record<string, () => Promise<void>> = {
      loop: async () => {
        const answer = await edge.fetch("loop", new Request("http://functions/loop"));
        if (!answer.ok) throw new Error(`Cannot measure the loop: ${await answer.text()}`);
        await answer.body?.cancel();
      },
      once: () => run(bench, "once"),
      sql: () => run(bench, "sql"),
    };
    for (let turn = -warmUp; turn < jobs; turn++) {
      const order = turn % 2 === 0 ? Object.entries(kinds) : Object.entries(kinds).toReversed();
      for (const [kind, act] of order) {
        const from = upstream.calls.length;
        await act();
        const calls = upstream.calls.slice(from);
        if (calls.length !== rounds + 1) {
          throw new Error(`Cannot measure '${kind}': ${calls.length} requests, not ${rounds + 1}`);
        }
        if (turn < 0) continue;
        for (const [at, call] of calls.slice(1).entries()) {
          added[kind]?.push(call.at - (calls[at]?.answeredAt ?? NaN) - toolMs);
        }
      }
    }
    const failed = await sql`select from public.response_jobs where status <> 'completed'`;
    const { loop = [], once = [], sql: inSql = [] } = added;
    return {
      value: summarize(once).median,
      line: 30,
      unit: "ms",
      rows: [
        { name: "the loop by hand", summary: summarize(loop) },
        { name: "tool(), once", summary: summarize(once) },
        { name: "sqlTool()", summary: summarize(inSql) },
      ],
      notes: [
        `${jobs} jobs of ${rounds} rounds each, one at a time; ${failed.length} not completed`,
        "tool() writes each call as started and as finished; sqlTool() writes its row with the call",
      ],
    };
  } finally {
    await edge.stop();
  }
}

async function run({ stack, sql }: BenchStack, profile: string): Promise<void> {
  const answer = await fetch(`${stack.functionsUrl}/respond`, {
    method: "POST",
    headers: { "content-type": "application/json", apikey: stack.secretKey },
    body: JSON.stringify({ profile, query: "Wait for it" }),
  });
  const { id } = await answer.json();
  await until(
    `job ${id}`,
    async () => {
      const [job] =
        await sql`select status, error_message from public.response_jobs where id = ${id}`;
      if (job?.["status"] === "failed") throw new Error(`Cannot measure: ${job["error_message"]}`);
      return job?.["status"] === "completed" || undefined;
    },
    60_000,
    10,
  );
}

async function makeFunction({ sql, stack }: BenchStack): Promise<void> {
  await sql.unsafe(`
    create function public.wait_for_it(round numeric) returns text language plpgsql set search_path = '' as $$
    begin
      perform pg_sleep(${toolMs / 1000});
      return 'waited in round ' || round;
    end;
    $$;
    notify pgrst, 'reload schema';
  `);
  await until(
    "the API",
    async () => (await fetch(`${stack.apiUrl}/rest/v1/`)).status > 0 || undefined,
  );
}
