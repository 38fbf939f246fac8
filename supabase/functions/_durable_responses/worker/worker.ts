/** A worker, from its first look for work to its sign-off. */
import * as jobs from "../db/jobs.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { defaultWasMadeAfterMs } from "../profiles/was-made.ts";
import type { SettleAnswer } from "../run/run-rounds.ts";
import type { Life } from "./life.ts";
import { Runs } from "./runs.ts";

/** How long a worker waits before it asks a database that failed again, in ms. */
const afterErrorMs = 1_000;
/** How often a process with free places looks for work while it has some, in ms. */
const lookAgainMs = 1_000;
/** The same without a free place, in ms: as often as cron. */
const lookWhenFullMs = 10_000;

/** The profiles with the time after which `was_made` of each is first asked. */
function registration(profiles: Profiles): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(profiles).map(([name, { was_made, was_made_after_ms }]) => [
      name,
      was_made === undefined ? null : was_made_after_ms ?? defaultWasMadeAfterMs,
    ]),
  );
}

/** Whether this isolate has registered its profiles with the database. Once is enough: a new deployment is a new isolate. */
let profilesRegistered = false;

export interface WorkerOptions {
  /** Its name, from newWorkerId. */
  id: string;
  profiles: Profiles;
  /** Looks after background jobs. Resolves to whether there may be more to do at once. */
  reconcile: () => Promise<boolean>;
  /** Wakes another worker; `source` says why. */
  wakeAnother: (source: string) => Promise<void>;
  life: Life;
  settleAnswer: SettleAnswer;
  /** How many runs at a time. */
  concurrency: number;
  leaseMs: number;
}

/**
 * One worker: it looks after background jobs, claims due jobs, runs several at a time, and continues until nothing is due or
 * its time is nearly up. Then it hands over what still runs.
 */
export class Worker {
  readonly id: string;
  readonly #runs: Runs;
  #notify: () => void = () => {};
  #woken = false;
  #stopped = false;
  /** The polls and cancels that are under way. A slow one must not delay a claim, nor a claim a poll. */
  #polls: Promise<void> | undefined;
  /** Whether somebody has woken it since they began: something else may be due. */
  #pollsAgain = false;
  /** Whether the last polls have ended, and there is no reason to look again. */
  #pollsAreDone = false;
  /** The owner that it served last: the next claim starts after them. Random at first, so that no owner is always first. */
  #afterOwner: string = crypto.randomUUID();

  constructor(private readonly options: WorkerOptions) {
    this.id = options.id;
    // A run that ends while the worker looks is like a nudge: its job may be due again already.
    this.#runs = new Runs(
      this.id,
      options.profiles,
      options.life,
      options.leaseMs,
      options.settleAnswer,
      () => this.wake(),
    );
  }

  /** True if somebody has woken it since it last looked. */
  get woken(): boolean {
    return this.#woken;
  }

  /** Whether it could still start a run. */
  get mayStart(): boolean {
    return !this.#stopped && this.options.life.mayClaim();
  }

  /** Something may be due: look again instead of ending. */
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

  /** Claims nothing more, ends each run at its next boundary, and then ends. */
  drain(): void {
    this.#stopped = true;
    this.#runs.endAtBoundary();
    this.#notify();
  }

  /**
   * Works until there is nothing more to do, or no time. If there is time left, it may be called again.
   */
  async run(): Promise<void> {
    const { life } = this.options;
    let more = true;
    while (more || this.#woken || this.#runs.size > 0 || this.#polls !== undefined) {
      const looks: boolean = (more || this.#woken) && this.mayStart;
      this.#woken = false;
      // Only then: whoever hands over never starts a run that may take its time.
      if (life.handOverInMs() <= 0) {
        await this.#runs.handOver();
        break;
      }
      if (life.boundaryInMs() <= 0) this.#runs.endAtBoundary();
      // Also if every place is taken: background jobs, cancels and deadlines wait for no place.
      more = looks && await this.#look();
      if (!more) await this.#pause();
    }
    await this.#polls;
  }

  #room(): number {
    return this.options.concurrency - this.#runs.size;
  }

  /** @returns whether there may be more to claim */
  async #look(): Promise<boolean> {
    this.#pollsAgain = this.#polls !== undefined;
    this.#polls ??= this.#poll();
    try {
      return await this.#claim();
    } catch (error) {
      await this.#afterError(error);
      return false;
    }
  }

  /** Looks after background jobs. If there may be more of them, the worker looks again. */
  async #poll(): Promise<void> {
    try {
      this.#woken ||= await this.options.reconcile();
    } catch (error) {
      await this.#afterError(error);
    }
    this.#woken ||= this.#pollsAgain;
    this.#polls = undefined;
    this.#pollsAreDone = true;
    this.#notify();
  }

  async #afterError(error: unknown): Promise<void> {
    log.error("cannot look for work", { worker: this.id, error: describe(error) });
    await new Promise((resolve) => setTimeout(resolve, afterErrorMs));
  }

  async #claim(): Promise<boolean> {
    const { life, leaseMs, wakeAnother } = this.options;
    const room = this.#room();
    const left = life.handOverInMs();
    const askedAt = performance.now();
    const { jobs: claimed, spare_workers } = await jobs.claim(
      {
        worker: this.id,
        kind: life.kind,
        lifeMs: Number.isFinite(left) ? Math.max(Math.floor(left), 0) : null,
        fullLifeMs: life.fullLifeMs,
        afterOwner: this.#afterOwner,
        profiles: profilesRegistered ? null : registration(this.options.profiles),
      },
      room,
      leaseMs,
    );
    profilesRegistered = true;
    void this.#runs.start(claimed, askedAt);
    this.#afterOwner = claimed.at(-1)?.owner_key ?? this.#afterOwner;
    // Every free place was filled: there may be more jobs, for another worker.
    const claimedAny = claimed.length > 0;
    if (claimedAny && claimed.length === room && spare_workers > 0) void wakeAnother("fan-out");
    return claimedAny;
  }

  /** Waits until a run ends, somebody wakes the worker, or its time is up. */
  async #pause(): Promise<void> {
    if (this.#woken || this.#runs.size === 0 && this.#polls === undefined) return;
    this.#pollsAreDone = false;
    const { life } = this.options;
    const boundary = life.boundaryInMs() > 0 ? life.boundaryInMs() : life.handOverInMs();
    // An Edge worker is woken when a job comes. Nobody wakes a process, which looks for jobs itself.
    const next = life.kind === "process" && this.mayStart
      ? this.#room() > 0 ? lookAgainMs : lookWhenFullMs
      : boundary;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#notify = resolve;
      if (Number.isFinite(next)) timer = setTimeout(resolve, Math.max(next, 0));
    });
    clearTimeout(timer);
    // A run that ended has freed a place: look again.
    this.#woken ||= !this.#pollsAreDone;
  }

  /**
   * Signs off, and wakes a successor if its time was up before the work was done.
   *
   * @returns true if there is work that it could still do
   */
  async signOff(): Promise<boolean> {
    try {
      const workLeft = await jobs.signOff(this.id);
      if (workLeft && !this.mayStart) await this.options.wakeAnother("successor");
      return workLeft && this.mayStart;
    } catch (error) {
      log.warn("cannot sign off; cron will wake a successor if work is left", {
        worker: this.id,
        error: describe(error),
      });
      return false;
    }
  }
}
