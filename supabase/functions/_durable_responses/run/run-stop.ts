/** Why a run is stopped before OpenAI has finished it, and the signal by which it learns that. */
import type { Failure } from "../model/failure.ts";

export type StopReason =
  /** The job is no longer this worker's: another one has it, or may have it, since the lease ran out. */
  | { kind: "lost" }
  /** The worker's time is up, or it asked for a boundary and here is one: another worker continues. */
  | { kind: "hand_over" }
  /** The ledger cannot be reached, so no call may begin any more. */
  | { kind: "ledger_away" }
  /** A call was repeated, or nobody knows whether one happened: a person must look. */
  | { kind: "review"; failure: Failure }
  /** The database permanently refused the steps: the run cannot be recorded, so it fails. */
  | { kind: "ledger_refused"; error: unknown };

/** What a run that is stopped for several reasons was stopped for: the first of those that weigh most. */
const weight: Readonly<Record<StopReason["kind"], number>> = {
  lost: 0,
  hand_over: 0,
  ledger_away: 0,
  review: 1,
  ledger_refused: 2,
};

/** Stops one run, from whichever side: the worker, the tracker of its calls, the writer of its steps. */
export class RunStop {
  readonly #controller = new AbortController();
  #reason: StopReason | undefined;

  /** Aborted with the first reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the end of the run depends on; undefined while it may continue. */
  get reason(): StopReason | undefined {
    return this.#reason;
  }

  stop(reason: StopReason): void {
    if (this.#reason === undefined || weight[reason.kind] > weight[this.#reason.kind]) {
      this.#reason = reason;
    }
    this.#controller.abort(reason);
  }
}
