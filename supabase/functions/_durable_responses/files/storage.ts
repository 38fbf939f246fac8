import type { SupabaseClient } from "@supabase/supabase-js";
import { connect } from "../platform/supabase.ts";

type Storage = SupabaseClient["storage"];

/** One client per time limit, because supabase-js takes none with a call. */
const clients = new Map<number, Promise<Storage>>();

/**
 * Supabase Storage, with the secret key.
 * @param longestMs how long one call may take
 * @throws RequestError `storage_unavailable` if it cannot be loaded now; the next call tries again
 */
export function storage(longestMs: number): Promise<Storage> {
  const known = clients.get(longestMs) ?? clientWithin(longestMs).catch((error: unknown) => {
    clients.delete(longestMs);
    throw error;
  });
  clients.set(longestMs, known);
  return known;
}

async function clientWithin(longestMs: number): Promise<Storage> {
  const client = await connect(
    (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(longestMs) }),
    "storage_unavailable",
  );
  return client.storage;
}
