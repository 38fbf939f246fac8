/** Waiting for a condition that another process or connection brings about. */

/**
 * Asks `look` again and again until it answers something other than undefined or false, and returns that.
 * Throws after `timeoutMs` (10 s by default).
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 10_000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`Cannot go on: ${what} did not happen within ${timeoutMs} ms`);
}
