import { environment } from "../platform/environment.ts";
import { load } from "../platform/load.ts";

type Storage = Awaited<ReturnType<typeof connect>>;

/** A client for each limit of time: supabase-js takes none with a call. */
const clients = new Map<number, Promise<Storage>>();

/**
 * Supabase Storage, with the secret key.
 * @param longestMs how long one call may take
 * @throws RequestError `storage_unavailable` if it cannot be loaded now; the next call tries again
 */
export function storage(longestMs: number): Promise<Storage> {
  const known = clients.get(longestMs) ?? connect(longestMs).catch((error: unknown) => {
    clients.delete(longestMs);
    throw error;
  });
  clients.set(longestMs, known);
  return known;
}

async function connect(longestMs: number) {
  const { supabaseUrl, secretKey } = environment();
  const { createClient } = await load(
    "supabase-js",
    () => import("@supabase/supabase-js"),
    "storage_unavailable",
  );
  const client = createClient(supabaseUrl, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: {
      fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(longestMs) }),
    },
  });
  return client.storage;
}
