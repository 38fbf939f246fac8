/**
 * Calls back once after a while, unless what it returns is called before. For limits that are hardly ever reached, on the way to
 * a first answer: the first `setTimeout` of an isolate costs 6 ms of its cold start, since Deno loads Node's timers for it, and a
 * signal's clock costs none (tried, 2.9.6).
 */
export function after(ms: number, callback: () => void): () => void {
  const clock = AbortSignal.timeout(ms);
  clock.addEventListener("abort", callback, { once: true });
  return () => clock.removeEventListener("abort", callback);
}
