import * as jobs from "../db/jobs.ts";
import type { Work } from "../db/schemas.ts";
import { describe, log } from "../log.ts";
import { runAttempt } from "./attempt.ts";

/** How long a lease lasts; a worker that dies is noticed after at most this, ms. */
export const LEASE_MS = 30_000;
/** Three tries to renew before a lease runs out. */
const RENEW_EVERY_MS = LEASE_MS / 3;

interface Run {
  fence: jobs.Fence;
  controller: AbortController;
  done: Promise<void>;
}

/** The runs a worker has under way, and their leases, renewed in one call. */
export class Runs {
  readonly #active = new Map<string, Run>();
  #renewal: ReturnType<typeof setInterval> | undefined;
  #heldUntil = 0;

  /** @param onEnd called whenever a run has ended */
  constructor(readonly worker: string, private readonly onEnd: () => void) {}

  get size(): number {
    return this.#active.size;
  }

  /** Starts a run of each claimed job. */
  start(claimed: Work[]): void {
    if (claimed.length === 0) return;
    if (this.size === 0) this.#heldUntil = performance.now() + LEASE_MS;
    this.#renewal ??= setInterval(() => void this.#renew(), RENEW_EVERY_MS);
    for (const work of claimed) {
      const controller = new AbortController();
      const done = runAttempt(work, controller.signal).finally(() => {
        this.#active.delete(work.id);
        if (this.size === 0) this.#stopRenewing();
        this.onEnd();
      });
      this.#active.set(work.id, {
        fence: { id: work.id, attempt: work.attempt },
        controller,
        done,
      });
    }
  }

  /** Stops every run and gives its job back, due at once. */
  async handOver(): Promise<void> {
    const runs = [...this.#active.values()];
    if (runs.length === 0) return;
    for (const run of runs) run.controller.abort();
    await Promise.all(runs.map((run) => run.done));
    try {
      const released = await jobs.release(this.worker, runs.map((run) => run.fence));
      log.info("handed over", { worker: this.worker, runs: runs.length, released });
    } catch (error) {
      log.warn("cannot hand over; the leases will run out", {
        worker: this.worker,
        error: describe(error),
      });
    }
  }

  async #renew(): Promise<void> {
    const asked = [...this.#active.values()];
    if (asked.length === 0) return;
    const sentAt = performance.now();
    try {
      const held = new Set(await jobs.renew(this.worker, asked.map((run) => run.fence), LEASE_MS));
      this.#heldUntil = sentAt + LEASE_MS;
      for (const run of asked) {
        if (!held.has(run.fence.id)) run.controller.abort();
      }
    } catch (error) {
      log.warn("cannot renew leases", { worker: this.worker, error: describe(error) });
      // Past this moment another worker may have the jobs: going on could make a side effect twice.
      if (performance.now() >= this.#heldUntil) { for (const run of asked) run.controller.abort(); }
    }
  }

  #stopRenewing(): void {
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }
}
