/** The local stack for the benches that go through the real functions, the gateway and PostgREST. */
import postgres, { type Sql } from "postgres";
import { type Stack, type StackOptions, startStack } from "../../packages/dev/stack.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

export interface BenchStack extends AsyncDisposable {
  stack: Stack;
  upstream: Upstream;
  /** As the superuser. */
  sql: Sql;
}

/**
 * Starts a stack with an upstream that takes no time. As in startBenchCluster, the trigger that notifies the Realtime
 * stand-in about a message is removed.
 */
export async function startBenchStack(
  upstreamOptions: UpstreamOptions,
  options: StackOptions = {},
): Promise<BenchStack> {
  const upstream = startUpstream(upstreamOptions);
  const stack = await startStack({
    openai: { apiKey: "sk-bench-000000", baseUrl: upstream.url },
    ...options,
  });
  const sql = postgres(stack.adminDbUrl, { max: 2, onnotice: () => {} });
  await sql`drop trigger notify_message on realtime.messages`;
  return {
    stack,
    upstream,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end();
      await stack.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Posts a query to `respond` as a server and returns the HTTP status. */
export async function ask(stack: Stack, query: string, path = "respond"): Promise<number> {
  const answer = await fetch(`${stack.functionsUrl}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", apikey: stack.secretKey },
    body: JSON.stringify({ query }),
  });
  await answer.body?.cancel();
  return answer.status;
}

/** Wakes a worker, as cron does. */
export async function wake(stack: Stack): Promise<void> {
  const answer = await fetch(`${stack.functionsUrl}/run-jobs`, {
    method: "POST",
    headers: { "x-worker-secret": stack.workerSecret },
    body: '{"source": "bench"}',
  });
  await answer.body?.cancel();
}

/** Queues this many jobs in SQL. */
export async function queueJobs(sql: Sql, count: number): Promise<void> {
  await sql`
    select count(public.enqueue_response_job('What is new? ' || g)) from generate_series(1, ${count}::int) g`;
}

export async function countCompleted(sql: Sql): Promise<number> {
  const [row] =
    await sql`select count(*)::int as n from public.response_jobs where status = 'completed'`;
  return Number(row?.["n"]);
}

/** Waits until all workers have signed off, because a worker looks for jobs as long as it lives. */
export async function untilWorkersEnd(sql: Sql): Promise<void> {
  await until(
    "the workers' end",
    async () => {
      const [row] = await sql`select count(*)::int as n from public.response_workers`;
      return Number(row?.["n"]) === 0 || undefined;
    },
    30_000,
    50,
  );
}

/** Waits until `condition` gives a value, and asks every few ms. Throws after `timeoutMs`. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 60_000,
  everyMs = 2,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const value = await condition();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`Cannot wait any longer for ${what}: ${timeoutMs} ms have passed`);
}
