/** Finds what is new in what was read: nothing is reported twice, and nothing goes backwards. */
import type { Progress } from "../data/tables.ts";
import { isFinal, type Job } from "../types/job.ts";
import { isToolCall, type Step } from "../types/step.ts";
import type { Update } from "../types/update.ts";

const settled: readonly Step["status"][] = ["finished", "failed", "void"];

export class Changes {
  #job: Job | undefined;
  #seenJob = "";
  readonly #steps = new Map<number, Step>();

  /** The job as last reported. */
  get job(): Job | undefined {
    return this.#job;
  }

  get isFinal(): boolean {
    return this.#job !== undefined && isFinal(this.#job);
  }

  /** Steps below this number are settled and need not be read again. New ones get higher numbers, with gaps. */
  get firstUnsettled(): number {
    const unsettled = [...this.#steps.values()].filter(({ status }) => !settled.includes(status));
    if (unsettled.length > 0) {
      return Math.min(...unsettled.map(({ number }) => number));
    }
    return Math.max(0, ...this.#steps.keys()) + 1;
  }

  /** The updates, in the order in which things happened: steps before the job that they led to. */
  take({ job, steps }: Progress): Update[] {
    if (
      this.#job && Date.parse(job.updated_at) < Date.parse(this.#job.updated_at)
    ) return [];
    const updates = steps.filter((step) => this.#isNew(step)).map(toUpdate);
    for (const step of steps) this.#steps.set(step.number, step);
    // A renewed lease changes updated_at and nothing that a user sees.
    const seen = JSON.stringify({ ...job, updated_at: "" });
    if (seen !== this.#seenJob) {
      const begins = this.#job === undefined;
      if (begins && !isFinal(job)) updates.unshift({ type: "job", job });
      else updates.push({ type: "job", job });
    }
    this.#seenJob = seen;
    this.#job = job;
    return updates;
  }

  #isNew(step: Step): boolean {
    const before = this.#steps.get(step.number);
    return before === undefined ||
      JSON.stringify(before) !== JSON.stringify(step);
  }
}

function toUpdate(step: Step): Update {
  return isToolCall(step) ? { type: "tool_call", step } : { type: "step", step };
}
