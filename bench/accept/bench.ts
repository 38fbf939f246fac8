import { startEdge } from "../../packages/dev/edge/runtime.ts";
import type { EdgeRuntime } from "../../packages/dev/edge/runtime.ts";
import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { type BenchStack, startBenchStack, until } from "../support/stack.ts";
import { percentile, summarize } from "../support/stats.ts";

const warmUp = 20;
const functions = new URL("./functions", import.meta.url).pathname;

/** Compares accepting a query with functions that call OpenAI and write a row by hand. */
export const accept: Bench = {
  name: "accept",
  title: "ms of POST /respond against a careful function, which keeps the same promise by hand",
  run: (options) => measureAccept(options, options.quick ? 150 : 1_000),
};

/** Posts to both in turns, one request at a time, as a signed-in user. */
export async function measureAccept(
  _: BenchOptions,
  requests: number,
): Promise<BenchResult> {
  await using bench = await startBenchStack({ background: "queued" });
  const { stack, sql } = bench;
  stack.cron.pause();
  await makeBareTable(bench);
  const bareEdge = startEdge({ functionsDir: functions, env: bareEnvironment(bench) });
  try {
    const { token } = await stack.createUser();
    const post = async (edge: EdgeRuntime, name: string, i: number) => {
      const began = performance.now();
      const answer = await edge.fetch(name, requestFor(name, token, `Question ${i}`));
      await answer.body?.cancel();
      const ms = performance.now() - began;
      if (answer.status !== 202) {
        throw new Error(`Cannot measure '${name}': it answered ${answer.status}`);
      }
      return ms;
    };
    // PostgREST needs a moment to reload its schema cache.
    await until(
      "the bare function",
      async () => {
        const answer = await bareEdge.fetch("bare", requestFor("bare", token, "ready?"));
        await answer.body?.cancel();
        return answer.status === 202 || undefined;
      },
      20_000,
      100,
    );
    const taken = { bare: [] as number[], careful: [] as number[], respond: [] as number[] };
    let before = 0;
    for (let i = -warmUp; i < requests; i++) {
      if (i === 0) before = await roundTrips(bench);
      const turns = [["bare", bareEdge], ["careful", bareEdge], ["respond", stack.edge]] as const;
      for (const [name, edge] of i % 2 === 0 ? turns : turns.toReversed()) {
        const ms = await post(edge, name, i);
        if (i >= 0) taken[name].push(ms);
      }
    }
    const perAccept = (await roundTrips(bench) - before) / requests;
    const [row] =
      await sql`select count(*)::int as n from public.response_jobs where status = 'background'`;
    return {
      value: percentile(taken.respond, 50) / percentile(taken.careful, 50),
      line: 1,
      unit: "ms",
      rows: [
        { name: "bare function", summary: summarize(taken.bare) },
        { name: "careful function", summary: summarize(taken.careful) },
        { name: "respond", summary: summarize(taken.respond) },
      ],
      notes: [
        `${perAccept.toFixed(2)} database round trips each (line: 2); ${row?.n} jobs accepted`,
        `p99: respond ${percentile(taken.respond, 99).toFixed(1)} ms, bare ${
          percentile(taken.bare, 99).toFixed(1)
        } ms`,
        `the careful function checks the token and writes its row before it calls OpenAI and the id after; the bare one writes one row: respond takes ${
          (percentile(taken.respond, 50) / percentile(taken.bare, 50)).toFixed(2)
        }× its time`,
      ],
    };
  } finally {
    await bareEdge.stop();
  }
}

function requestFor(name: string, token: string, query: string): Request {
  return new Request(`http://functions/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
}

function bareEnvironment({ stack, upstream }: BenchStack): Record<string, string> {
  return {
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secretKey }),
    OPENAI_API_KEY: "sk-bench-000000",
    OPENAI_BASE_URL: upstream.url,
  };
}

async function makeBareTable({ sql }: BenchStack): Promise<void> {
  await sql`
    create table public.bare_rows (
      id uuid primary key default gen_random_uuid(),
      query text not null,
      response_id text,
      created_at timestamptz not null default now()
    )`;
  await sql`alter table public.bare_rows enable row level security`;
  await sql`grant insert, update, select on public.bare_rows to service_role`;
  await sql`notify pgrst, 'reload schema'`;
}

/** Calls of the project's functions that PostgREST has made so far. Each is one round trip. */
async function roundTrips({ sql }: BenchStack): Promise<number> {
  const [row] = await sql`
    select coalesce(sum(calls), 0)::int as calls from extensions.pg_stat_statements
    where toplevel and query like '%pgrst_call%'`;
  return Number(row?.calls);
}
