/**
 * One private Realtime topic, of a job or of a user's jobs, shared by all who listen to it through one supabase client,
 * because supabase-js has one channel per topic. The database announces on it only while somebody has registered a watch:
 * before the first read, and again as long as they listen. It is live while it is joined and the watch is registered.
 */
import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";

/** A watch lasts 45 s at the server. */
const signOfLifeMs = 20_000;
const firstRetryMs = 1_000;
const longestRetryMs = 30_000;

export interface LiveListener {
  /** A job or a step has changed: the database must be read. */
  onChange(what: "job" | "step"): void;
  onText(payload: unknown): void;
  /** Live (or live again), or not, and why not. */
  onState(live: boolean, reason: string | undefined): void;
  /** Whether it shows live text. */
  readonly wantsText: boolean;
}

export interface Topic {
  /** Its name, determined when it is joined, with the token at that time. If it throws, that is why it cannot be joined. */
  name(): string;
  /** Registers a watch. With `text`, the worker then sends the text, from its beginning. */
  watch(text: boolean): Promise<void>;
}

export class LiveTopic {
  readonly #listeners = new Set<LiveListener>();
  #channel: RealtimeChannel | undefined;
  #joined = false;
  #retryMs = firstRetryMs;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #nextSign: ReturnType<typeof setTimeout> | undefined;
  /** When the watch was last registered, on the clock of performance.now(). */
  #heardAt = -Infinity;
  #watched: Promise<void> = Promise.resolve();
  /** supabase-js returns the old channel until it has left. */
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

  /** Resolves when the watch is registered, or cannot be. Only reads after that are followed by announcements. */
  async add(listener: LiveListener): Promise<void> {
    this.#listeners.add(listener);
    if (this.#isLive) {
      listener.onState(true, undefined);
      if (listener.wantsText) this.askForText();
    } else if (this.#listeners.size === 1) {
      const named = this.#name();
      // Without a name there is nothing to watch; `#open` says why.
      this.#watched = named.then(() => this.#watch(), () => undefined);
      void this.#open(named);
    }
    await this.#watched;
  }

  remove(listener: LiveListener): void {
    this.#listeners.delete(listener);
    if (this.isUnused) this.#close();
  }

  /** Registers the watch at once: the worker then sends the text from its beginning. */
  askForText(): void {
    void this.#watch();
  }

  get #isLive(): boolean {
    return this.#joined && this.#isHeard;
  }

  get #isHeard(): boolean {
    return performance.now() - this.#heardAt < signOfLifeMs;
  }

  /** A private topic is joined with the token that supabase-js has now. It sends later tokens by itself. */
  async #name(): Promise<string> {
    await this.supabase.realtime.setAuth();
    return this.topic.name();
  }

  async #open(named: Promise<string>): Promise<void> {
    try {
      const [name] = await Promise.all([named, this.#left]);
      if (this.isUnused || this.#channel) return;
      const channel = this.supabase.channel(name, {
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
      // No WebSocket (Node 20), no token, or no topic for the token.
      this.#retryLater(toReason(error));
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
      this.#retryMs = firstRetryMs;
      this.#joined = true;
      void this.#watched.then(() => this.#isHeard ? this.#afterSign() : this.#watch());
    } else if (state === "CLOSED") {
      // The server ended it, for example because the token expired. supabase-js does not join again by itself.
      this.#retryLater(reason ?? "the server closed the channel");
    } else {
      // Refused, timed out or disconnected: supabase-js keeps trying.
      this.#leave(reason ?? state.toLowerCase());
    }
  }

  /** Registers the watch, and schedules the next time. */
  async #watch(): Promise<void> {
    try {
      await this.topic.watch(this.#wantsText);
      this.#heardAt = performance.now();
      this.#afterSign();
    } catch (error) {
      if (this.isUnused || !this.#joined) return;
      // Without a watch, nothing is announced. Until it is registered, the client polls.
      this.#tell(false, toReason(error));
      this.#signIn(this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
    }
  }

  #afterSign(): void {
    if (!this.#joined) return;
    this.#tell(true, undefined);
    this.#signIn(signOfLifeMs);
  }

  #signIn(ms: number): void {
    clearTimeout(this.#nextSign);
    this.#nextSign = setTimeout(() => void this.#watch(), ms);
  }

  get #wantsText(): boolean {
    return [...this.#listeners].some(({ wantsText }) => wantsText);
  }

  #tell(live: boolean, reason: string | undefined): void {
    for (const listener of this.#listeners) listener.onState(live, reason);
  }

  #leave(reason: string): void {
    this.#joined = false;
    clearTimeout(this.#nextSign);
    this.#tell(false, reason);
  }

  #retryLater(reason: string): void {
    this.#dropChannel();
    this.#leave(reason);
    clearTimeout(this.#reopen);
    this.#reopen = setTimeout(
      () => void this.#open(this.#name()),
      this.#retryMs,
    );
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
  }

  #close(): void {
    clearTimeout(this.#reopen);
    clearTimeout(this.#nextSign);
    this.#joined = false;
    this.#heardAt = -Infinity;
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

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
