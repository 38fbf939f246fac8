/**
 * One private Realtime topic, of a job or of a user's jobs, shared by all who listen to it through one supabase client:
 * supabase-js has one channel per topic.
 */
import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";

/** A watch lasts 45 s at the server. */
const signOfLifeMs = 20_000;
const firstReopenMs = 1_000;
const longestReopenMs = 30_000;

export interface LiveListener {
  /** A job or a step has changed: the database is to be read. */
  onChange(what: "job" | "step"): void;
  onText(payload: unknown): void;
  /** Joined (also: again), or not, and why not. */
  onState(joined: boolean, reason: string | undefined): void;
  /** Whether it shows live text. */
  readonly wantsText: boolean;
}

export interface Topic {
  /** Its name; asked for when it is joined, with the token that counts then. What it throws is why it cannot be joined. */
  name(): string;
  /** Says that somebody watches: the worker then sends the text, from its beginning. */
  askForText(): void;
}

export class LiveTopic {
  readonly #listeners = new Set<LiveListener>();
  #channel: RealtimeChannel | undefined;
  #joined = false;
  #reopenMs = firstReopenMs;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #signs: ReturnType<typeof setInterval> | undefined;
  /** supabase-js gives the old channel again until it has left. */
  #left: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly supabase: SupabaseClient,
    private readonly topic: Topic,
  ) {}

  get isUnused(): boolean {
    return this.#listeners.size === 0;
  }

  /** Resolves when the channel that was closed last has left. */
  get left(): Promise<unknown> {
    return this.#left;
  }

  add(listener: LiveListener): void {
    this.#listeners.add(listener);
    if (this.#joined) {
      listener.onState(true, undefined);
      if (listener.wantsText) this.topic.askForText();
    } else if (this.#listeners.size === 1) {
      void this.#open();
    }
  }

  remove(listener: LiveListener): void {
    this.#listeners.delete(listener);
    if (this.isUnused) this.#close();
  }

  async #open(): Promise<void> {
    try {
      // A private topic is joined with the token that supabase-js has now; it sends later ones by itself.
      await Promise.all([this.supabase.realtime.setAuth(), this.#left]);
      if (this.isUnused || this.#channel) return;
      const channel = this.supabase.channel(this.topic.name(), {
        config: { private: true },
      });
      this.#channel = channel;
      channel
        .on(
          "broadcast",
          { event: "*" },
          ({ event, payload }) => this.#onMessage(event, payload),
        )
        .subscribe((state, error) => this.#onState(channel, state, error?.message));
    } catch (error) {
      // No WebSocket here (Node 20), no token to be had, or no topic for it.
      this.#retryLater(error instanceof Error ? error.message : String(error));
    }
  }

  #onMessage(event: string, payload: unknown): void {
    for (const listener of this.#listeners) {
      if (event === "text") listener.onText(payload);
      else if (event === "job" || event === "step") listener.onChange(event);
    }
  }

  #onState(
    channel: RealtimeChannel,
    state: string,
    reason: string | undefined,
  ): void {
    if (channel !== this.#channel) return;
    if (state === "SUBSCRIBED") {
      this.#reopenMs = firstReopenMs;
      this.#setJoined(true, undefined);
    } else if (state === "CLOSED") {
      // The server ended it, for example as the token ran out: supabase-js does not join again by itself.
      this.#retryLater(reason ?? "the server closed the channel");
    } else {
      // Refused, timed out or cut off: supabase-js goes on trying.
      this.#setJoined(false, reason ?? state.toLowerCase());
    }
  }

  #setJoined(joined: boolean, reason: string | undefined): void {
    this.#joined = joined;
    clearInterval(this.#signs);
    const wantText = () => [...this.#listeners].some(({ wantsText }) => wantsText);
    if (joined) {
      if (wantText()) this.topic.askForText();
      this.#signs = setInterval(
        () => wantText() && this.topic.askForText(),
        signOfLifeMs,
      );
    }
    for (const listener of this.#listeners) listener.onState(joined, reason);
  }

  #retryLater(reason: string): void {
    this.#dropChannel();
    this.#setJoined(false, reason);
    clearTimeout(this.#reopen);
    this.#reopen = setTimeout(() => void this.#open(), this.#reopenMs);
    this.#reopenMs = Math.min(this.#reopenMs * 2, longestReopenMs);
  }

  #close(): void {
    clearTimeout(this.#reopen);
    clearInterval(this.#signs);
    this.#joined = false;
    this.#dropChannel();
  }

  #dropChannel(): void {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel) {
      this.#left = this.supabase.removeChannel(channel).catch(() => "error");
    }
  }
}
