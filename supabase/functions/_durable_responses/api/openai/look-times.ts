/** When a reader looks for what a run in another isolate has written. */

/** Shortest time between two writes of a run, in ms. */
const batchMs = 250;
/** Readers look for the next batch this much earlier than expected, in ms. */
const earlyMs = 15;
/** Pause after the first look that came too early, in ms. Each further pause is half as long again. */
const tooEarlyMs = 40;
/** Longest pause while text is coming, and how long after a batch more is expected, in ms. */
const slowestOfTextMs = 240;
const textMs = 5_000;
/** Longest pause during a run, and while the job waits, in ms. A look costs about 3 ms of a worker's 2 s of CPU. */
const slowestOfRunMs = 1_000;
const slowestMs = 2_000;

/**
 * While text is coming, every batch is found within `slowestOfTextMs` of its write, and in steady text within about
 * `tooEarlyMs`. The reader learns from the time between two batches when the next one is due.
 */
export class LookTimes {
  /** When something was last found, or when reading began. */
  #heardAt: number;
  #hasFound = false;
  /** The pause before the last look, and the one that follows if nothing is found. */
  #waited = 0;
  #next = tooEarlyMs;
  /** Longest time that the last batch may have been there before it was found, in ms. */
  #lag = 0;
  #hasMissed = true;

  constructor(now = performance.now()) {
    this.#heardAt = now;
  }

  /** The pause that follows if nothing is found, in ms. */
  get next(): number {
    return this.#next;
  }

  /** Something was found. @returns how long to wait, in ms */
  found(now = performance.now()): number {
    const waited = this.#waited;
    this.#lag = this.#hasMissed
      ? waited
      : Math.min(waited, Math.max(0, waited - batchMs + this.#lag));
    // If the first look found it, it may have been there for a while, so the next look comes earlier.
    const due = this.#hasMissed ? now - this.#heardAt - earlyMs : waited - 2 * earlyMs;
    const known = this.#hasFound ? due : 0;
    this.#heardAt = now;
    this.#hasFound = true;
    this.#hasMissed = false;
    this.#next = tooEarlyMs;
    // With a longer pause, a batch that comes earlier would be found too late.
    const longest = batchMs + slowestOfTextMs - this.#lag;
    return this.#waited = Math.min(Math.max(known, batchMs - earlyMs), longest);
  }

  /** Nothing was found. @returns how long to wait, in ms */
  missed(runs: boolean, now = performance.now()): number {
    const longest = !runs
      ? slowestMs
      : now - this.#heardAt < textMs
      ? slowestOfTextMs
      : slowestOfRunMs;
    const pause = Math.min(this.#next, longest);
    this.#next = pause * 1.5;
    this.#hasMissed = true;
    return this.#waited = pause;
  }
}
