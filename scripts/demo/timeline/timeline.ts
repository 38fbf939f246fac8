import type { Line } from "./line.ts";

/** How much later events are shown, in ms: sources are read in turn, and their lines must be in order. */
const holdMs = 400;
const drainEveryMs = 30;

/** Collects lines from several sources, and passes them on in the order in which they happened. */
export class Timeline {
  /** Everything passed on so far. */
  readonly lines: Line[] = [];
  #held: Line[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param show gets each line with the time since `startedAt`, in ms */
  constructor(
    readonly startedAt: number,
    private readonly show: (line: Line, elapsedMs: number) => void,
  ) {
    this.#timer = setInterval(() => this.#drain(Date.now() - holdMs), drainEveryMs);
  }

  add(line: Line): void {
    this.#held.push(line);
  }

  /** Adds a line about something that happens now. */
  now(line: Omit<Line, "at">): void {
    this.add({ ...line, at: Date.now() });
  }

  /** Passes on everything that is still held back. */
  stop(): void {
    clearInterval(this.#timer);
    this.#drain(Infinity);
  }

  #drain(until: number): void {
    const due = this.#held.filter((line) => line.at <= until);
    this.#held = this.#held.filter((line) => line.at > until);
    // The sort is stable: lines of the same millisecond stay in the order in which they were seen.
    for (const line of due.sort((a, b) => a.at - b.at)) {
      this.lines.push(line);
      this.show(line, line.at - this.startedAt);
    }
  }
}
