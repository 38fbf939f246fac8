/** Removes sent files that no job refers to any more. */
import { claimUnusedFiles, forgetFiles } from "../db/files.ts";
import { sentBucket } from "../model/files.ts";
import { describe, log } from "../platform/log.ts";

/** How many are removed in one call. */
const batch = 100;
/** How long Storage may take to remove them, in ms. */
const removalMs = 15_000;
/** How often a worker asks for them, in ms. */
const lookEveryMs = 10_000;

let lookedAt = -Infinity;

/**
 * Removes sent files from Storage that the database says are unused. Those that Storage does not remove are due again later.
 * @returns true when there may be more to do at once
 */
export async function removeUnusedFiles(): Promise<boolean> {
  if (performance.now() - lookedAt < lookEveryMs) return false;
  lookedAt = performance.now();
  try {
    const paths = await claimUnusedFiles(batch);
    if (paths.length === 0) return false;
    const { storage } = await import("./storage.ts");
    const { error } = await (await storage(removalMs)).from(sentBucket).remove(paths);
    if (error) throw error;
    await forgetFiles(paths);
    if (paths.length < batch) return false;
    lookedAt = -Infinity;
    return true;
  } catch (error) {
    log.warn("cannot remove files that no job needs; a worker tries again", {
      error: describe(error),
    });
    return false;
  }
}
