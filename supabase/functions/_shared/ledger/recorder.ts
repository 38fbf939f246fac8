import * as jobs from "../db/jobs.ts";
import { isStale } from "../errors.ts";
import { describe, log } from "../log.ts";
import type { Step } from "./step.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Saves the steps of one run in the order they come, one write at a time, each with all that has come
 * meanwhile. The run does not wait for it, so it costs a run no time; a call's start is on its way to the
 * database before its arguments are complete, and so before the tool acts.
 */
export class Recorder {
  readonly #waiting = new Map<string, Step>();
  #writing: Promise<void> | undefined;
  #closing = false;

  /**
   * @param onStale called when the job has been taken over: the run must stop
   */
  constructor(private readonly fence: jobs.Fence, private readonly onStale: () => void) {}

  /** A later state of the same item takes the place of one that is not written yet. */
  save(step: Step): void {
    this.#waiting.set(step.item_id, { ...this.#waiting.get(step.item_id), ...step });
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /** Waits for the write that is under way and returns what is not written yet, to go with the result. */
  async rest(): Promise<Step[]> {
    const taken = [...this.#waiting.values()];
    this.#waiting.clear();
    await this.#writing;
    return taken;
  }

  /** Waits until everything is written. */
  async drain(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  /** The run is over: what is left is written if the database takes it, and not waited for if it is away. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.drain();
  }

  async #write(): Promise<void> {
    for (
      let pause = FIRST_PAUSE_MS;
      this.#waiting.size > 0;
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    ) {
      const batch = [...this.#waiting.values()];
      this.#waiting.clear();
      try {
        await jobs.saveSteps(this.fence, batch);
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (isStale(error)) {
          this.#waiting.clear();
          this.onStale();
          return;
        }
        log.warn("cannot save steps yet", { job_id: this.fence.id, error: describe(error) });
        if (this.#closing) return;
        for (const step of batch) {
          this.#waiting.set(step.item_id, { ...step, ...this.#waiting.get(step.item_id) });
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}
