/**
 * Watching a job. What is told of jobs and steps comes from the database alone; Realtime only says when to look. So a
 * message that is lost, doubled or late changes nothing but the moment, and after a reconnect one look tells all.
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Progress, Tables } from "../data/tables.ts";
import { AuthenticationError } from "../errors.ts";
import { isPassing, pause } from "../http/retry.ts";
import type { ConnectionState, Update } from "../types/update.ts";
import { Bell } from "./bell.ts";
import { Changes } from "./changes.ts";
import { listenToJob } from "./live_topics.ts";
import { Pace } from "./pace.ts";
import { TextAssembler } from "./text.ts";

export interface WatchParts {
  supabase: SupabaseClient;
  tables: Tables;
  jobId: string;
  signal: AbortSignal | undefined;
  /** Whether live text is wanted: asking for it costs the worker CPU. */
  text: boolean;
}

/** A refused token is shown again after this, ms: supabase-js may just be refreshing it. */
const TOKEN_GRACE_MS = 1_000;

/**
 * Yields updates until the job is final.
 * @throws NotFoundError, AuthenticationError, PermissionError …; what passes (offline, 5xx) is waited out. The signal's reason
 */
export async function* watchJob(
  parts: WatchParts,
): AsyncGenerator<Update, void, undefined> {
  const { supabase, tables, jobId, signal } = parts;
  const bell = new Bell();
  const pace = new Pace();
  const changes = new Changes();
  const text = new TextAssembler();
  const texts: Update[] = [];
  const reader = new Reader(tables, jobId, signal);
  let joined = false;
  let reason: string | undefined;
  let told: ConnectionState | undefined;
  let mustLook = true;
  /** When the database is asked next, whatever rings before. */
  let nextLook = 0;

  const topic = listenToJob(supabase, tables, jobId, {
    wantsText: parts.text,
    onChange() {
      mustLook = true;
      bell.ring();
    },
    onText(payload) {
      if (!parts.text) return;
      const { update, gap } = readText(text, payload);
      if (gap) topic.askForText();
      if (!update) return;
      texts.push({ type: "text", ...update });
      bell.ring();
    },
    onState(isJoined, why) {
      reason = why;
      // Not each of its tries to join again is news.
      if (isJoined === joined) return;
      joined = isJoined;
      pace.reset();
      // What happened while it was away, or before it was there.
      mustLook ||= isJoined;
      bell.ring();
    },
  });

  try {
    while (true) {
      signal?.throwIfAborted();
      const looks = mustLook || performance.now() >= nextLook;
      if (looks) {
        mustLook = false;
        const progress = await reader.read(changes.firstUnsettled);
        const updates = progress ? changes.take(progress) : [];
        if (updates.length > 0) pace.reset();
        yield* updates;
        if (changes.isFinal) return;
      }
      yield* texts.splice(0);
      const state = reader.failing ? "offline" : joined ? "live" : "polling";
      if (looks || state !== told) nextLook = performance.now() + pace.next(state);
      if (state !== told) {
        told = state;
        const why = reader.failing ?? reason;
        yield {
          type: "connection",
          state,
          ...(why !== undefined && state !== "live" && { reason: why }),
        };
      }
      if (mustLook || texts.length > 0) continue;
      await bell.wait(nextLook - performance.now(), signal);
    }
  } finally {
    topic.stop();
  }
}

function readText(text: TextAssembler, payload: unknown): ReturnType<TextAssembler["add"]> {
  try {
    return text.add(payload);
  } catch (error) {
    // Of another version, perhaps. It is called by supabase-js, which must not stumble over it.
    if (error instanceof TypeError) return { gap: false };
    throw error;
  }
}

/** Reads a job, and knows what to make of failures. */
class Reader {
  /** Why it cannot read at the moment. */
  failing: string | undefined;
  #refused = false;

  constructor(
    private readonly tables: Tables,
    private readonly jobId: string,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Undefined when the database cannot be reached now. */
  async read(fromStep: number): Promise<Progress | undefined> {
    try {
      const progress = await this.tables.progress(
        this.jobId,
        fromStep,
        this.signal,
      );
      this.failing = undefined;
      this.#refused = false;
      return progress;
    } catch (error) {
      if (error instanceof AuthenticationError && !this.#refused) {
        this.#refused = true;
        await pause(TOKEN_GRACE_MS, this.signal);
        return await this.read(fromStep);
      }
      if (!isPassing(error)) throw error;
      this.failing = error.message;
      return undefined;
    }
  }
}
