/** A worker's runs and their leases. */
import * as jobs from "../db/jobs.ts";
import type { AttemptKey, Work } from "../model/job.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { runAttempt } from "../run/attempt.ts";
import type { SettleAnswer } from "../run/run-rounds.ts";
import { RunStop } from "../run/run-stop.ts";
import type { Life } from "./life.ts";

/** How often it tries to renew before a lease expires. */
const renewalsPerLease = 3;
/** A run that had this part of a whole life has had a fair chance: it may have ended at a boundary before the end. */
const fairPart = 0.75;

interface Run {
  key: AttemptKey;
  /** When it started, by performance.now(), and whether a whole life was left for it. */
  since: number;
  hasFullLife: boolean;
  stop: RunStop;
  done: Promise<void>;
}

/** A worker's current runs and their leases, which are renewed in one call. */
export class Runs {
  readonly #active = new Map<string, Run>();
  #renewal: ReturnType<typeof setInterval> | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  /** Set when the worker's time is up: each run ends at its next boundary between items. */
  #ending = false;

  /**
   * @param onEnd called whenever a run has ended, with whether its job was given back
   * @param onRequeued called when a job is queued again after a failure, with the time until it is due in ms
   */
  constructor(
    readonly worker: string,
    private readonly profiles: Profiles,
    private readonly life: Life,
    private readonly leaseMs: number,
    private readonly settleAnswer: SettleAnswer,
    private readonly onEnd: (isHandedOver: boolean) => void,
    private readonly onRequeued?: (dueInMs: number) => void,
  ) {}

  get size(): number {
    return this.#active.size;
  }

  /**
   * Starts a run of each claimed job.
   * @param askedAt when the claim was sent, by performance.now(): the leases may be that old
   * @param streamsAreNew whether their streams were opened with the leases
   * @returns resolves when all of them have ended
   */
  async start(claimed: Work[], askedAt: number, streamsAreNew = false): Promise<void> {
    if (claimed.length === 0) return;
    if (this.size === 0) this.#stopAllAt(askedAt + this.leaseMs);
    this.#renewal ??= setInterval(() => void this.#renew(), this.leaseMs / renewalsPerLease);
    const { fullLifeMs } = this.life;
    const since = performance.now();
    const hasFullLife = fullLifeMs !== null && this.life.handOverInMs() >= fullLifeMs;
    const started: Run[] = [];
    for (const work of claimed) {
      const stop = new RunStop(() => this.life.graceInMs());
      const key = { id: work.id, attempt: work.attempt };
      // A job can come back before its last run here has ended. That run may no longer write.
      this.#active.get(work.id)?.stop.stop({ kind: "lost" });
      const run: Run = { key, since, hasFullLife, stop, done: Promise.resolve() };
      this.#active.set(work.id, run);
      run.done = runAttempt(this.profiles, work, {
        stop,
        wantsHandOver: () => this.#ending,
        streamIsNew: streamsAreNew,
        settleAnswer: this.settleAnswer,
        ...(this.onRequeued && { onRequeued: this.onRequeued }),
      }).then(() => this.#ended(run));
      started.push(run);
    }
    await Promise.all(started.map((run) => run.done));
  }

  /** Asks every run to end at its next boundary between items. Each is handed over when it does. */
  endAtBoundary(): void {
    this.#ending = true;
  }

  /** Stops every run, at the latest when a call in progress has ended, and gives its job back. */
  async handOver(): Promise<void> {
    this.#ending = true;
    const runs = [...this.#active.values()];
    for (const run of runs) run.stop.stop({ kind: "hand_over" });
    await Promise.all(runs.map((run) => run.done));
  }

  async #ended(run: Run): Promise<void> {
    const { key } = run;
    // A run that was stopped has written no end: its job is given back, due at once. One that has
    // written it is no longer running, and this changes nothing.
    const isHandedOver = run.stop.signal.aborted && await this.#release(run);
    if (this.#active.get(key.id) === run) this.#active.delete(key.id);
    if (this.size === 0) this.#stopRenewing();
    this.onEnd(isHandedOver);
  }

  async #release({ key, since, hasFullLife }: Run): Promise<boolean> {
    const { fullLifeMs } = this.life;
    // A worker may also be ended early, by a deploy for example. Such a run has not had its time.
    const full_life = hasFullLife && performance.now() - since >= (fullLifeMs ?? 0) * fairPart;
    try {
      const released = await jobs.release(this.worker, [{ ...key, full_life }], fullLifeMs);
      if (released > 0) log.info("handed over", { worker: this.worker, job_id: key.id });
      return released > 0;
    } catch (error) {
      log.warn("cannot hand over; the lease will expire", {
        worker: this.worker,
        job_id: key.id,
        error: describe(error),
      });
      return false;
    }
  }

  async #renew(): Promise<void> {
    const asked = [...this.#active.values()];
    if (asked.length === 0) return;
    const sentAt = performance.now();
    try {
      const held = new Set(
        await jobs.renew(this.worker, asked.map((run) => run.key), this.leaseMs),
      );
      if (this.size > 0) this.#stopAllAt(sentAt + this.leaseMs);
      for (const run of asked) {
        if (!held.has(run.key.id)) run.stop.stop({ kind: "lost" });
      }
    } catch (error) {
      log.warn("cannot renew leases", { worker: this.worker, error: describe(error) });
    }
  }

  /**
   * Past this moment, another worker may have the jobs: continuing could make a side effect twice. It is a separate timer,
   * because a renewal may hang for longer than a lease.
   */
  #stopAllAt(heldUntil: number): void {
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => {
      log.warn("leases expired; stopping", { worker: this.worker, runs: this.size });
      for (const run of this.#active.values()) run.stop.stop({ kind: "expired" });
    }, heldUntil - performance.now());
  }

  #stopRenewing(): void {
    clearInterval(this.#renewal);
    clearTimeout(this.#expiry);
    this.#renewal = undefined;
  }
}
