import type { SupabaseClient } from "@supabase/supabase-js";
import { environment } from "./environment.ts";
import { fetchOnce } from "./fetch-once.ts";
import { load } from "./load.ts";

/** Longest wait for an answer from Auth, in ms. A database call has its own limit. */
const longestWaitMs = 5_000;

let client: Promise<SupabaseClient> | undefined;

/**
 * The isolate's one client, with the secret key. It is loaded and made by who needs it first: a webhook and a wake are answered
 * before, and a cold start counts (docs/benchmarks.md, cold). No session is kept or refreshed in it: whose a request is, its token
 * says.
 * @throws RequestError `database_unavailable` if it cannot be loaded now; the next call tries again
 */
export function supabase(): Promise<SupabaseClient> {
  return client ??= connect().catch((error: unknown) => {
    client = undefined;
    throw error;
  });
}

async function connect(): Promise<SupabaseClient> {
  const { supabaseUrl, secretKey } = environment();
  const { createClient } = await load(
    "supabase-js",
    () => import("@supabase/supabase-js"),
    "database_unavailable",
  );
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
