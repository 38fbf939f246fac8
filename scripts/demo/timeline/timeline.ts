import type { Line } from "./line.ts";

/** What is seen is shown this much later, ms: sources are looked at in turn, and their lines must come in order. */
const holdMs = 400;
const drainEveryMs = 30;

/** Collects lines from several sources and hands them on in the order in which they happened, while it goes on. */
export class Timeline {
  /** Everything handed on so far. */
  readonly lines: Line[] = [];
  #held: Line[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param show gets each line with the ms since `startedAt` */
  constructor(
    readonly startedAt: number,
    private readonly show: (line: Line, elapsedMs: number) => void,
  ) {
    this.#timer = setInterval(() => this.#drain(Date.now() - holdMs), drainEveryMs);
  }

  add(line: Line): void {
    this.#held.push(line);
  }

  /** A line about something that happens now. */
  now(line: Omit<Line, "at">): void {
    this.add({ ...line, at: Date.now() });
  }

  /** Hands on what is still held. */
  stop(): void {
    clearInterval(this.#timer);
    this.#drain(Infinity);
  }

  #drain(until: number): void {
    const due = this.#held.filter((line) => line.at <= until);
    this.#held = this.#held.filter((line) => line.at > until);
    // The sort is stable: what happened in the same millisecond stays in the order it was seen.
    for (const line of due.sort((a, b) => a.at - b.at)) {
      this.lines.push(line);
      this.show(line, line.at - this.startedAt);
    }
  }
}
