import * as jobs from "../db/jobs.ts";
import { wakeWorker } from "../jobs/wake.ts";
import { describe, log } from "../log.ts";
import type { Life } from "./life.ts";
import { reconcileBackground } from "./reconcile.ts";
import { LEASE_MS, Runs } from "./runs.ts";

/** How long a worker waits before it asks a database that failed it again, ms. */
const AFTER_ERROR_MS = 1_000;

/**
 * One worker: looks after background jobs, claims due ones, runs several at a time, and goes on until
 * nothing is due or its time is nearly up. Then it hands over, and wakes a successor if work is left.
 */
export class Worker {
  readonly id = `${Deno.env.get("SB_REGION") ?? "local"}-${crypto.randomUUID().slice(0, 8)}`;
  readonly #runs = new Runs(this.id, () => this.#notify());
  #notify: () => void = () => {};
  #woken = false;
  #stopped = false;

  constructor(private readonly life: Life, private readonly concurrency: number) {}

  /** Something may be due: look again rather than end. */
  wake(): void {
    this.#woken = true;
    this.#notify();
  }

  /** Ends at once: stops the runs and gives their jobs back. For a platform that is about to end the worker. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#runs.handOver();
    this.#notify();
  }

  /** Works until there is nothing more to do, or no time. */
  async run(): Promise<void> {
    let found = true;
    while (found || this.#woken || this.#runs.size > 0) {
      this.#woken = false;
      if (this.#stopped || this.life.handOverInMs() <= 0) break;
      found = this.#mayClaim() && await this.#look();
      if (!found) await this.#pause();
    }
    await this.#runs.handOver();
    if (!this.life.mayClaim() || this.#stopped) await this.#wakeSuccessor();
  }

  #mayClaim(): boolean {
    return !this.#stopped && this.life.mayClaim() && this.#runs.size < this.concurrency;
  }

  /** @returns true when it found something, so that there may be more */
  async #look(): Promise<boolean> {
    try {
      const [more, claimed] = await Promise.all([
        reconcileBackground(),
        jobs.claim(this.id, this.concurrency - this.#runs.size, LEASE_MS),
      ]);
      this.#runs.start(claimed);
      return more || claimed.length > 0;
    } catch (error) {
      log.error("cannot look for work", { worker: this.id, error: describe(error) });
      await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
      return false;
    }
  }

  /** Waits until a run ends, somebody wakes the worker, or it is time to hand over. */
  async #pause(): Promise<void> {
    if (this.#woken || this.#runs.size === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#notify = resolve;
      const left = this.life.handOverInMs();
      if (Number.isFinite(left)) timer = setTimeout(resolve, Math.max(left, 0));
    });
    clearTimeout(timer);
    // A run that ended has freed a place: look again.
    this.#woken = true;
  }

  async #wakeSuccessor(): Promise<void> {
    try {
      if (await jobs.workDue()) await wakeWorker("successor");
    } catch (error) {
      log.warn("cannot tell whether work is left; cron will", {
        worker: this.id,
        error: describe(error),
      });
    }
  }
}
