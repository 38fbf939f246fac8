/** Lists of tools, cached for a few minutes by this isolate, so that a run need not ask a server again. */
import { sha256 } from "../../platform/digest.ts";
import type { McpServer } from "./server.ts";
import type { ToolList } from "./session.ts";
import { waitFor } from "./wait-for.ts";

const keptMs = 5 * 60_000;
/** One worker may serve many credentials. */
const maxLists = 200;

interface Kept {
  list: Promise<ToolList>;
  until: number;
}

const kept = new Map<string, Kept>();

/**
 * The list of a server for a credential, from the cache or from `load`. Another credential may see other tools, so it has
 * its own list. A list that could not be loaded is not cached.
 */
export async function toolListOf(
  { url, headers }: McpServer,
  load: () => Promise<ToolList>,
  signal: AbortSignal,
): Promise<ToolList> {
  // A digest, so that no credential is kept.
  const key = await sha256(JSON.stringify([url, Object.entries(headers).sort()]));
  const known = kept.get(key);
  if (known !== undefined && known.until > performance.now()) {
    const [waited] = await Promise.allSettled([waitFor(known.list, { signal })]);
    if (waited.status === "fulfilled") return waited.value;
    if (signal.aborted) throw waited.reason;
    // It may have failed because the run that asked was stopped. This run asks again.
  }
  const list = load();
  kept.delete(key);
  kept.set(key, { list, until: performance.now() + keptMs });
  const [oldest] = kept.keys();
  if (kept.size > maxLists && oldest !== undefined) kept.delete(oldest);
  try {
    return await list;
  } catch (error) {
    if (kept.get(key)?.list === list) kept.delete(key);
    throw error;
  }
}
