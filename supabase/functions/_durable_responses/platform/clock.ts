/** Longest delay that setTimeout accepts, in ms: with a longer one, it calls back at once. */
export const maxTimerMs = 2 ** 31 - 1;

/**
 * Calls back once after `ms`, unless the returned function is called before. For limits that are hardly ever reached, on the
 * way to a first answer: the first `setTimeout` of an isolate costs 6 ms of its cold start, because Deno loads Node's timers
 * for it. A signal's clock costs nothing (tried, 2.9.6).
 */
export function after(ms: number, callback: () => void): () => void {
  const clock = AbortSignal.timeout(ms);
  clock.addEventListener("abort", callback, { once: true });
  return () => clock.removeEventListener("abort", callback);
}
