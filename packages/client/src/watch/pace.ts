/** How often to read a job from the database. */
import type { ConnectionState } from "../types/update.ts";

/** Without Realtime: at first this often, then less often while nothing changes. */
const firstMs = 1_000;
const longestMs = 15_000;
/** While the database cannot be reached: somebody waits for it to come back. */
const longestOfflineMs = 5_000;
const growth = 1.5;
/** With Realtime: still from time to time, because a broadcast may be lost. */
const liveMs = 30_000;

export class Pace {
  #ms = firstMs;

  /** Something has changed, or Realtime has just gone: read often again. */
  reset(): void {
    this.#ms = firstMs;
  }

  /** The pause before the next read, in ms. */
  next(state: ConnectionState): number {
    if (state === "live") return liveMs;
    const ms = this.#ms;
    this.#ms = Math.min(ms * growth, longestMs);
    return state === "offline" ? Math.min(ms, longestOfflineMs) : ms;
  }
}
