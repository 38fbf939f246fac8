/** Why a run is stopped before OpenAI has finished it, and the signal by which it learns that. */
import type { Failure } from "../model/failure.ts";
import type { CallStage } from "../tools/approved-calls.ts";

export type StopReason =
  /** The job is no longer this worker's: it ended, was cancelled, or another worker has it. */
  | { kind: "lost" }
  /** The lease ran out here, because it could not be renewed: another worker may have the job. */
  | { kind: "expired" }
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
  expired: 0,
  hand_over: 0,
  ledger_away: 0,
  review: 1,
  ledger_refused: 2,
};

/** How long the end of a call is waited for once the lease is gone, ms: nobody else can report it. */
const lateMs = 60_000;

/**
 * Stops one run, from whichever side: the worker, the tracker of its calls, the writer of its steps. A stopped run begins nothing
 * more. What reads the end of a call that is being made continues until that call has ended, within a limit: an email whose
 * result nobody has read is held for review.
 */
export class RunStop {
  readonly #stopped = new AbortController();
  readonly #cut = new AbortController();
  readonly #calls: Record<CallStage, number> = { told: 0, begun: 0 };
  #reason: StopReason | undefined;
  #limit: ReturnType<typeof setTimeout> | undefined;

  /** @param handOverGraceMs how long a hand-over may wait for the end of a call, ms */
  constructor(private readonly handOverGraceMs: () => number = () => 0) {}

  /** Aborted with the first reason. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Aborted when not even calls that are being made are waited for any more. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** What the end of the run depends on; undefined while it may continue. */
  get reason(): StopReason | undefined {
    return this.#reason;
  }

  stop(reason: StopReason): void {
    if (this.#reason === undefined || weight[reason.kind] > weight[this.#reason.kind]) {
      this.#reason = reason;
    }
    this.#stopped.abort(reason);
    this.#cutIfDone();
    if (this.#cut.signal.aborted || this.#limit !== undefined) return;
    const ms = reason.kind === "hand_over" ? this.handOverGraceMs() : lateMs;
    this.#limit = setTimeout(() => this.#cut.abort(reason), ms);
  }

  /** Registers a call that must not be made twice. @returns to be called when its end is known */
  hold(stage: CallStage): () => void {
    this.#calls[stage]++;
    return () => {
      this.#calls[stage]--;
      this.#cutIfDone();
    };
  }

  /** The run is over: there is nothing left to cut. */
  end(): void {
    clearTimeout(this.#limit);
  }

  #cutIfDone(): void {
    if (this.#reason !== undefined && !this.#waitsForCall(this.#reason)) {
      this.#cut.abort(this.#reason);
    }
  }

  #waitsForCall({ kind }: StopReason): boolean {
    if (kind === "review" || kind === "ledger_refused") return false;
    // A cancelled job is lost too: then a call that has not begun yet should not begin.
    return this.#calls.begun > 0 || kind !== "lost" && this.#calls.told > 0;
  }
}
