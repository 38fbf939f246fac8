/**
 * The loop under every watch. Updates come only from the database. Realtime only says when to read, so a lost, repeated or
 * late message changes nothing but the moment, and after a reconnect one read catches up.
 */
import { AuthenticationError } from "../errors.ts";
import { isPassing, pause } from "../http/retry.ts";
import type { ConnectionState, ConnectionUpdate } from "../types/update.ts";
import { Bell } from "./bell.ts";
import { Pace } from "./pace.ts";

/** A refused token is used once more after this time, in ms: supabase-js may just be refreshing it. */
const tokenGraceMs = 1_000;

/**
 * After this time, in ms, the client reads without a registered watch, so that a request that hangs hides nothing for
 * longer.
 */
const longestWatchMs = 5_000;

/** Something that a caller follows. */
export interface Source<U> {
  /**
   * Starts to listen to Realtime. `watched` resolves when the database announces changes from now on, or if the watch cannot
   * be registered.
   */
  listen(ears: Ears<U>): { watched: Promise<void>; stop(): void };
  /** Reads the database, and returns what is new. */
  look(): Promise<U[]>;
  /** Whether nothing more will happen. */
  isOver(): boolean;
  /** The minimum time between two reads, in ms. One of them sees whatever changes in between. */
  readonly gapMs: number;
}

export interface Ears<U> {
  /** The database must be read. */
  onChange(): void;
  /** Joined (or joined again), or not, and why not. */
  onState(joined: boolean, reason: string | undefined): void;
  /** Passes on an update that is in no table. */
  tell(update: U): void;
}

/**
 * Yields what is new, and how updates arrive, until the source is over.
 * @throws NotFoundError, AuthenticationError, PermissionError …, or the signal's reason. Temporary errors (offline, 5xx) are
 *   waited out
 */
export async function* follow<U>(
  source: Source<U>,
  signal: AbortSignal | undefined,
): AsyncGenerator<U | ConnectionUpdate, void, undefined> {
  const bell = new Bell();
  const pace = new Pace();
  const told: U[] = [];
  const looker = new Looker(() => source.look(), signal);
  let joined = false;
  let reason: string | undefined;
  let toldState: ConnectionState | undefined;
  let mustLook = true;
  let lastLook = -Infinity;
  /** When the database is read at the latest, on the clock of performance.now(). */
  let nextLook = 0;

  const listening = source.listen({
    onChange() {
      mustLook = true;
      bell.ring();
    },
    tell(update) {
      told.push(update);
      bell.ring();
    },
    onState(isJoined, why) {
      reason = why;
      // A failed try to join again is not news.
      if (isJoined === joined) return;
      joined = isJoined;
      pace.reset();
      // Something may have happened before it joined, or while it was away.
      mustLook ||= isJoined;
      bell.ring();
    },
  });

  const dueIn = () =>
    (mustLook ? Math.min(nextLook, lastLook + source.gapMs) : nextLook) -
    performance.now();
  try {
    // Register the watch before the first read: otherwise a change between the two is neither seen nor announced.
    void listening.watched.then(() => bell.ring());
    await bell.wait(longestWatchMs, signal);
    while (true) {
      signal?.throwIfAborted();
      const looks = dueIn() <= 0;
      if (looks) {
        mustLook = false;
        const updates = await looker.look();
        lastLook = performance.now();
        if (updates.length > 0) pace.reset();
        yield* updates;
        if (source.isOver()) return;
      }
      yield* told.splice(0);
      const state = looker.failing ? "offline" : joined ? "live" : "polling";
      if (looks || state !== toldState) {
        nextLook = performance.now() + pace.next(state);
      }
      if (state !== toldState) {
        toldState = state;
        const why = looker.failing ?? reason;
        yield {
          type: "connection",
          state,
          ...(why !== undefined && state !== "live" && { reason: why }),
        };
      }
      if (told.length > 0) continue;
      const wait = dueIn();
      if (wait > 0) await bell.wait(wait, signal);
    }
  } finally {
    listening.stop();
  }
}

/** Reads, and waits out temporary failures. */
class Looker<U> {
  #failing: string | undefined;
  #refused = false;

  constructor(
    private readonly ask: () => Promise<U[]>,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Why it cannot read at the moment. */
  get failing(): string | undefined {
    return this.#failing;
  }

  /** Returns nothing if the database cannot be reached now. */
  async look(): Promise<U[]> {
    try {
      const updates = await this.ask();
      this.#failing = undefined;
      this.#refused = false;
      return updates;
    } catch (error) {
      if (error instanceof AuthenticationError && !this.#refused) {
        this.#refused = true;
        await pause(tokenGraceMs, this.signal);
        return await this.look();
      }
      if (!isPassing(error)) throw error;
      this.#failing = error.message;
      return [];
    }
  }
}
