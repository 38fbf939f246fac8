/** Waits for something that another process or connection does. The error has the last value that was seen. */

export interface Patience {
  /** Default: 30 s, which only matters if something is wrong, or the machine is very busy. */
  timeoutMs?: number;
  /** Pause between two looks. Default: 5 ms, growing to 40 ms, because looks take CPU from the work that they wait for. */
  everyMs?: number;
}

const firstPauseMs = 5;
const longestPauseMs = 40;

/** Looks repeatedly until it sees something other than undefined or false, and returns that. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  patience?: Patience,
): Promise<T>;
/** The same, until the value that it sees fits. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  fits: (seen: T) => boolean,
  patience?: Patience,
): Promise<T>;
export async function eventually(
  what: string,
  look: () => unknown,
  third?: ((seen: unknown) => boolean) | Patience,
  fourth?: Patience,
): Promise<unknown> {
  const [fits, patience] = typeof third === "function" ? [third, fourth] : [isThere, third];
  const { timeoutMs = 30_000, everyMs } = patience ?? {};
  const end = performance.now() + timeoutMs;
  for (let pauseMs = everyMs ?? firstPauseMs;;) {
    const seen = await look();
    if (fits(seen)) return seen;
    if (performance.now() > end) {
      const shown = Deno.inspect(seen, { depth: 6, strAbbreviateSize: 300 });
      throw new Error(
        `Cannot go on: ${what} did not happen within ${timeoutMs} ms; seen: ${shown}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (everyMs === undefined) pauseMs = Math.min(longestPauseMs, pauseMs * 1.3);
  }
}

const isThere = (seen: unknown) => seen !== undefined && seen !== false;
