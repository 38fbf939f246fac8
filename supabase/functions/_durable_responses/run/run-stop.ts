/** Why a run is stopped before OpenAI has finished it, and the signal that tells the run. */
import type { Failure } from "../model/failure.ts";
import type { CallStage } from "../tools/approved-calls.ts";

export type StopReason =
  /** This worker no longer has the job: it ended, was cancelled, or another worker has it. */
  | { kind: "lost" }
  /** The lease expired here, because it could not be renewed: another worker may have the job. */
  | { kind: "expired" }
  /** The worker's time is up, or it asked for a boundary and here is one: another worker continues. */
  | { kind: "hand_over" }
  /** The ledger cannot be reached, so no call may start any more. */
  | { kind: "ledger_away" }
  /** A call was repeated, or nobody knows whether one was made: a person decides. */
  | { kind: "review"; failure: Failure }
  /** The database permanently refused the steps: the run cannot be recorded, so it fails. */
  | { kind: "ledger_refused"; error: unknown };

/** If a run is stopped for several reasons, the first of those with the highest weight counts. */
const weight: Readonly<Record<StopReason["kind"], number>> = {
  lost: 0,
  expired: 0,
  hand_over: 0,
  ledger_away: 0,
  review: 1,
  ledger_refused: 2,
};

/** How long to wait for the end of a call after the lease has expired, in ms: nobody else can report it. */
const lateMs = 60_000;

/**
 * Stops one run, for any of these: the worker, the tracker of its calls, the writer of its steps. A stopped run starts
 * nothing more. If a call is in progress, the run reads on until that call has ended, within a limit, because an email whose
 * result nobody has read is held for review.
 */
export class RunStop {
  readonly #stopped = new AbortController();
  readonly #cut = new AbortController();
  readonly #calls: Record<CallStage, number> = { announced: 0, begun: 0 };
  #reason: StopReason | undefined;
  #limit: ReturnType<typeof setTimeout> | undefined;

  /** @param handOverGraceMs how long a hand-over may wait for the end of a call, in ms */
  constructor(private readonly handOverGraceMs: () => number = () => 0) {}

  /** Aborted with the first reason. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Aborted when the run no longer waits even for calls in progress. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** The reason that decides how the run ends; undefined while it may continue. */
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

  /**
   * Registers a call that must not be made twice.
   * @returns a function to call when its end is known
   */
  hold(stage: CallStage): () => void {
    this.#calls[stage]++;
    return () => {
      this.#calls[stage]--;
      this.#cutIfDone();
    };
  }

  /** The run has ended: there is nothing left to stop. */
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
    // A cancelled job is lost too: a call that has not started yet should not start.
    return this.#calls.begun > 0 || kind !== "lost" && this.#calls.announced > 0;
  }
}
