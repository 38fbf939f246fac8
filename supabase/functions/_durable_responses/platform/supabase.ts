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
      fetch: (input, init) =>
        fetchOnce(input, { signal: AbortSignal.timeout(longestWaitMs), ...init }),
    },
  });
}
