/** How often the database is asked about a job. */
import type { ConnectionState } from "../types/update.ts";

/** Without Realtime: first so often, then less and less while nothing changes. */
const FIRST_MS = 1_000;
const LONGEST_MS = 15_000;
/** While the database cannot be reached: somebody waits for it to come back. */
const LONGEST_OFFLINE_MS = 5_000;
const GROWTH = 1.5;
/** With it: now and then all the same, as a broadcast may be lost. */
const LIVE_MS = 30_000;

export class Pace {
  #ms = FIRST_MS;

  /** Something has changed, or Realtime has just gone: look closely again. */
  reset(): void {
    this.#ms = FIRST_MS;
  }

  /** The pause before the next look, ms. */
  next(state: ConnectionState): number {
    if (state === "live") return LIVE_MS;
    const ms = this.#ms;
    this.#ms = Math.min(ms * GROWTH, LONGEST_MS);
    return state === "offline" ? Math.min(ms, LONGEST_OFFLINE_MS) : ms;
  }
}
