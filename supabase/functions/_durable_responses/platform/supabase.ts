import type { SupabaseClient } from "@supabase/supabase-js";
import { environment } from "./environment.ts";
import { fetchOnce } from "./fetch-once.ts";

/** Longest wait for an answer from Auth, in ms. A database call has its own limit. */
const longestWaitMs = 5_000;

let client: Promise<SupabaseClient> | undefined;

/**
 * The isolate's only client, with the secret key. Loaded and created on first use: a webhook and a wake-up are answered
 * before, and cold start counts (docs/benchmarks.md, cold). It keeps and refreshes no session: the token says whose request
 * it is.
 */
export function supabase(): Promise<SupabaseClient> {
  return client ??= connect();
}

async function connect(): Promise<SupabaseClient> {
  const { supabaseUrl, secretKey } = environment();
  const { createClient } = await import("@supabase/supabase-js");
  return createClient(supabaseUrl, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: {
      fetch: async (input, init) =>
        await withoutFalseSuccess(
          await fetchOnce(input, { signal: AbortSignal.timeout(longestWaitMs), ...init }),
        ),
    },
  });
}

/** supabase-js takes a 404 with no body, or with a list, for success. PostgREST sends neither: something in between failed. */
async function withoutFalseSuccess(response: Response): Promise<Response> {
  if (response.status !== 404) return response;
  const body = await response.text();
  const status = /^\s*(?:\[|$)/.test(body) ? 502 : 404;
  return new Response(body, { status, headers: response.headers });
}
