/** How long a caller may wait for an answer, in ms. The platform requires the first byte within 150 s. */
export const maxWaitMs = 120_000;

/** An answer begins at most this long after its request has arrived, in ms. */
const longestAnswerMs = 140_000;

/**
 * How long a caller may still wait, in ms. A body that took long to arrive leaves less.
 * @param since when the request arrived, by performance.now()
 */
export function waitLeftMs(wantedMs: number, since: number): number {
  return Math.max(0, Math.min(wantedMs, longestAnswerMs - (performance.now() - since)));
}

/** The part of a worker's life during which it may keep a request open. */
export const usableLife = 0.85;
