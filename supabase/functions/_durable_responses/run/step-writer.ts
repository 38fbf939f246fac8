/** The steps of one run on their way to the ledger. */
import { saveSteps } from "../db/steps.ts";
import type { AttemptKey } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { isUnavailable } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import type { RunStop } from "./run-stop.ts";

const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** How long a stopped run tries to report a call that must not be made twice, in ms. */
const lateMs = 60_000;
/** If a reachable database refuses the same steps this often, it will not accept them. */
const maxRefusals = 3;

/**
 * Saves the steps of one run in the order they come, one write at a time, each with everything that has come meanwhile. The
 * run does not wait for it, so it costs a run no time. A call's start is on its way to the database before its arguments are
 * complete, and so before the tool acts.
 */
export class StepWriter {
  readonly #waiting = new Map<string, Step>();
  #writing: Promise<void> | undefined;
  #refusals = 0;
  #stoppedAt: number | undefined;
  /** Set if the database does not accept the steps: nothing that comes later can be recorded. */
  #refused = false;
  /** Set if the attempt has ended in the database: from then on, only late reports of calls matter. */
  #ended = false;

  /**
   * @param key the attempt whose steps are written
   * @param run stopped from here if the attempt has ended or the ledger cannot be written. Once it has stopped, for whatever
   *   reason, the writer keeps trying only to report a call that must not be made twice
   */
  constructor(private readonly key: AttemptKey, private readonly run: RunStop) {}

  /** A later state of the same item replaces one that is not written yet. */
  save(step: Step): void {
    if (this.#refused || this.#ended && !mayEndDoubt(step)) return;
    this.#waiting.set(step.item_id, { ...this.#waiting.get(step.item_id), ...step });
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /** Waits for the current write and returns what is not written yet, to go with the result. */
  async rest(): Promise<Step[]> {
    const taken = [...this.#waiting.values()];
    this.#waiting.clear();
    await this.#writing;
    return taken;
  }

  /** Waits until everything is written, or has been tried once if the run was stopped. */
  async drain(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  #giveUpAt(): number {
    return this.#stoppedAt ??= performance.now() + lateMs;
  }

  async #write(): Promise<void> {
    for (
      let pause = firstPauseMs;
      this.#waiting.size > 0;
      pause = Math.min(pause * 2, longestPauseMs)
    ) {
      const batch = [...this.#waiting.values()];
      this.#waiting.clear();
      try {
        if (!await saveSteps(this.key, batch)) {
          this.#ended = true;
          for (const [id, step] of this.#waiting) if (!mayEndDoubt(step)) this.#waiting.delete(id);
          this.run.stop({ kind: "lost" });
        }
        pause = firstPauseMs;
        this.#refusals = 0;
      } catch (error) {
        log.warn("cannot save steps yet", { job_id: this.key.id, error: describe(error) });
        if (!isUnavailable(error) && ++this.#refusals === maxRefusals) {
          this.#refused = true;
          this.#waiting.clear();
          this.run.stop({ kind: "ledger_refused", error });
        }
        // Without the ledger, no new call may start. The calls in progress are the last, and what they did is
        // reported even late, for as long as the worker can.
        if (batch.some(actsOnce)) this.run.stop({ kind: "ledger_away" });
        if (
          this.run.signal.aborted &&
          !(batch.some(actsOnce) && performance.now() < this.#giveUpAt())
        ) return;
        for (const step of batch) {
          this.#waiting.set(step.item_id, { ...step, ...this.#waiting.get(step.item_id) });
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

/** Late, that such a call was not made counts as much as that it was. */
function mayEndDoubt(step: Step): boolean {
  return step.effect === "once";
}

function actsOnce(step: Step): boolean {
  return step.effect === "once" && step.status !== "void";
}
