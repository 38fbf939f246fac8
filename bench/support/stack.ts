/** The local stack for the benches that go through the real functions, the gateway and PostgREST. */
import postgres, { type Sql } from "postgres";
import { type Stack, type StackOptions, startStack } from "../../local/stack.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

export interface BenchStack extends AsyncDisposable {
  stack: Stack;
  upstream: Upstream;
  /** As the superuser. */
  sql: Sql;
}

/**
 * Starts a stack against an upstream that takes no time. As in startBenchCluster, the trigger that tells the
 * Realtime stand-in about a message is off.
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

/** Waits until `condition` gives a value; asks every few ms. Throws after `timeoutMs`. */
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
