/** Waiting for something to look as it should; what was seen last is in the error. */

/**
 * Looks again and again until what it sees fits, and returns that. Throws after `timeoutMs` (15 s by default), with what it saw.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  fits: (seen: T) => boolean,
  { timeoutMs = 15_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  while (true) {
    const seen = await look();
    if (fits(seen)) return seen;
    if (performance.now() > end) {
      const shown = Deno.inspect(seen, { depth: 6, strAbbreviateSize: 300 });
      throw new Error(
        `Cannot go on: ${what} did not happen within ${timeoutMs} ms; seen: ${shown}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
