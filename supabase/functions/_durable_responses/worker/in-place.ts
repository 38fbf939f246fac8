/** Runs in the function that answers the request: a worker of kind `inline`. */
import * as jobs from "../db/jobs.ts";
import type { Work } from "../model/job.ts";
import type { Profiles } from "../profiles/profile.ts";
import type { SettleAnswer } from "../run/run-rounds.ts";
import type { Life } from "./life.ts";
import { Runs } from "./runs.ts";
import { newWorkerId } from "./worker-id.ts";

/** Waits for a retry that is due within this time, in ms: cron looks every 10 s. */
const soonMs = 10_000;

export interface InPlaceOptions {
  profiles: Profiles;
  life: Life;
  settleAnswer: SettleAnswer;
  /** How many runs at a time. */
  concurrency: number;
  leaseMs: number;
  /** Wakes a worker after a while; `source` says why. */
  wakeWorker: (source: string, afterMs: number) => void;
}

/**
 * The runs of one isolate that answers requests. It claims nothing: each job is leased to it as it is submitted, or as its
 * background response is read. Otherwise these are a worker's runs, with its leases, its renewals and its end: first at
 * boundaries, then at once.
 */
export class InPlace {
  readonly id = newWorkerId("inline");
  readonly #runs: Runs;
  /** Places reserved for leases that are being asked for. */
  #reserved = 0;
  #stopped = false;
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(private readonly options: InPlaceOptions) {
    const { profiles, life, leaseMs, settleAnswer } = options;
    this.#runs = new Runs(this.id, profiles, life, leaseMs, settleAnswer, (isHandedOver) => {
      if (isHandedOver) options.wakeWorker("successor", 0);
      if (this.#runs.size === 0) this.#forgetTheClock();
    }, (dueInMs) => {
      // Somebody may be waiting for the answer. Cron finds a job that is due much later.
      if (dueInMs < soonMs) options.wakeWorker("retry", dueInMs);
    });
  }

  /**
   * Writes with a lease for this isolate, if there is a place and enough time.
   * @param write called with the lease, or without one
   * @param streamIsNew whether the job's stream is opened with the lease
   * @returns what was written, and when its run here has ended
   */
  async offer<S extends { work: Work | null }>(
    write: (lease: jobs.Lease | undefined) => Promise<S>,
    streamIsNew: boolean,
  ): Promise<{ written: S; ended?: Promise<void> }> {
    const { life, leaseMs, concurrency } = this.options;
    const lifeMs = Math.floor(life.handOverInMs());
    if (this.#stopped || !life.mayClaim() || this.#runs.size + this.#reserved >= concurrency) {
      return { written: await write(undefined) };
    }
    const askedAt = performance.now();
    this.#reserved++;
    try {
      const written = await write({
        worker: this.id,
        leaseMs,
        lifeMs,
        fullLifeMs: life.fullLifeMs ?? lifeMs,
      });
      if (written.work === null) return { written };
      if (this.#runs.size === 0) this.#watchTheClock();
      return { written, ended: this.#runs.start([written.work], askedAt, streamIsNew) };
    } finally {
      this.#reserved--;
    }
  }

  /**
   * Accepts no more runs and hands over the current ones: when the platform is about to end the isolate, and when its time
   * is up.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#runs.handOver();
  }

  #watchTheClock(): void {
    const { life } = this.options;
    this.#timers = [
      setTimeout(() => this.#runs.endAtBoundary(), life.boundaryInMs()),
      setTimeout(() => void this.stop(), life.handOverInMs()),
    ];
  }

  #forgetTheClock(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
