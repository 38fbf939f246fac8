import { environment } from "../platform/environment.ts";

type Storage = Awaited<ReturnType<typeof connect>>;

/** A client for each limit of time: supabase-js takes none with a call. */
const clients = new Map<number, Promise<Storage>>();

/**
 * Supabase Storage, with the secret key.
 * @param longestMs how long one call may take
 */
export function storage(longestMs: number): Promise<Storage> {
  const known = clients.get(longestMs) ?? connect(longestMs);
  clients.set(longestMs, known);
  return known;
}

async function connect(longestMs: number) {
  const { supabaseUrl, secretKey } = environment();
  const { createClient } = await import("@supabase/supabase-js");
  const client = createClient(supabaseUrl, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: {
      fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(longestMs) }),
    },
  });
  return client.storage;
}
