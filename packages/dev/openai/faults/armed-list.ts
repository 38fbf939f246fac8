import type { FaultList } from "../types.ts";

interface Limits {
  times?: number | undefined;
  probability?: number | undefined;
}

/** Faults in the order they were given, with how often each may still strike. */
export class ArmedList<F extends Limits> implements FaultList<F> {
  #entries: { fault: F; left: number }[] = [];
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  set(faults: readonly F[]): void {
    this.#entries = faults.map((fault) => ({ fault, left: fault.times ?? Infinity }));
  }

  add(fault: F): void {
    this.#entries.push({ fault, left: fault.times ?? Infinity });
  }

  clear(): void {
    this.#entries = [];
  }

  /** Those that may still strike, with `times` counted down. */
  list(): F[] {
    return this.#entries
      .filter(({ left }) => left > 0)
      .map(({ fault, left }) => left === Infinity ? fault : { ...fault, times: left });
  }

  /** The first fault that `fits`, still has times left and wins its draw. It is used up by one. */
  take<G extends F>(fits: (fault: F) => fault is G): G | undefined;
  take(fits: (fault: F) => boolean): F | undefined;
  take(fits: (fault: F) => boolean): F | undefined {
    for (const entry of this.#entries) {
      if (entry.left <= 0 || !fits(entry.fault)) continue;
      const { probability } = entry.fault;
      if (probability !== undefined && this.#random() >= probability) continue;
      entry.left -= 1;
      return entry.fault;
    }
    return undefined;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
