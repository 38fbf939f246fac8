import type { SupabaseClient } from "@supabase/supabase-js";
import type { RequestErrorCode } from "../model/refusals.ts";
import { environment } from "./environment.ts";
import { fetchOnce } from "./fetch-once.ts";
import { load } from "./load.ts";

/** Longest wait for an answer from Auth, in ms. A database call has its own limit. */
const longestWaitMs = 5_000;

let client: Promise<SupabaseClient> | undefined;

/**
 * The isolate's only client of the database, with the secret key. Loaded and created on first use, because cold start counts:
 * a webhook and a wake-up are answered before (docs/benchmarks.md, cold). It keeps and refreshes no session: the token says
 * whose request it is.
 * @throws RequestError `database_unavailable` if it cannot be loaded now; the next call tries again
 */
export function supabase(): Promise<SupabaseClient> {
  return client ??= connect(fetchOfDatabase, "database_unavailable").catch((error: unknown) => {
    client = undefined;
    throw error;
  });
}

/**
 * A client with the secret key, whose requests `fetch` sends.
 * @throws RequestError with this code if supabase-js cannot be loaded now
 */
export async function connect(
  fetch: typeof globalThis.fetch,
  code: RequestErrorCode,
): Promise<SupabaseClient> {
  const { supabaseUrl, secretKey } = environment();
  const { createClient } = await load("supabase-js", () => import("@supabase/supabase-js"), code);
  return createClient(supabaseUrl, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch },
  });
}

async function fetchOfDatabase(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const signal = init?.signal ?? AbortSignal.timeout(longestWaitMs);
  return await withoutFalseSuccess(await fetchOnce(input, { ...init, signal }));
}

/** supabase-js takes a 404 with no body, or with a list, for success. PostgREST sends neither: something in between failed. */
async function withoutFalseSuccess(response: Response): Promise<Response> {
  if (response.status !== 404) return response;
  const body = await response.text();
  const status = /^\s*(?:\[|$)/.test(body) ? 502 : 404;
  return new Response(body, { status, headers: response.headers });
}
