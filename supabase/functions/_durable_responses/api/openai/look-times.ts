/** When a reader looks for what a run in another isolate has written. */

/** Runs write no sooner than this after they have written, ms. */
const batchMs = 250;
/** How much sooner than it is expected the next batch is looked for, ms. */
const earlyMs = 15;
/** Pause after the first look that came too early, ms; half as long again after each that follows. */
const tooEarlyMs = 40;
/** Longest pause while text is coming, ms, and how long after a batch it may be. */
const slowestOfTextMs = 240;
const textMs = 5_000;
/** Longest pause while somebody runs the job, and while nobody does, ms. A look costs about 3 ms of a worker's 2 s of CPU. */
const slowestOfRunMs = 1_000;
const slowestMs = 2_000;

/**
 * While text is coming no batch is found later than `slowestOfTextMs` after it was written, and those of a steady text some
 * `tooEarlyMs` after: the next is looked for when it is due by the time between the last two.
 */
export class LookTimes {
  /** When something was found last, or the first look was made: text may come soon. */
  #heardAt: number;
  #hasFound = false;
  /** The pause before the last look, and the one that follows if nothing is found. */
  #waited = 0;
  #next = tooEarlyMs;
  /** How long ago at most the last batch that was found had been written, ms. */
  #lag = 0;
  #hasMissed = true;

  constructor(now = performance.now()) {
    this.#heardAt = now;
  }

  /** The pause that follows if nothing is found, ms. */
  get next(): number {
    return this.#next;
  }

  /** Something was found. @returns how long to wait, ms */
  found(now = performance.now()): number {
    const waited = this.#waited;
    this.#lag = this.#hasMissed
      ? waited
      : Math.min(waited, Math.max(0, waited - batchMs + this.#lag));
    // Found at the first look, it may have been there for a while: the next is looked for sooner.
    const due = this.#hasMissed ? now - this.#heardAt - earlyMs : waited - 2 * earlyMs;
    const known = this.#hasFound ? due : 0;
    this.#heardAt = now;
    this.#hasFound = true;
    this.#hasMissed = false;
    this.#next = tooEarlyMs;
    // Longer, and a batch that comes sooner would be found too late.
    const longest = batchMs + slowestOfTextMs - this.#lag;
    return this.#waited = Math.min(Math.max(known, batchMs - earlyMs), longest);
  }

  /** Nothing was found. @returns how long to wait, ms */
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
