/** One joined topic of one connection. */
import type { Rights } from "./authorize.ts";
import type { JoinConfig } from "./frames.ts";
import type { Member, Message, Topics } from "./topics.ts";

export interface ChannelParts {
  topic: string;
  config: JoinConfig;
  rights: Rights;
  topics: Topics;
  joinRef: string | null;
  send: (event: string, payload: Record<string, unknown>) => void;
  /** The token's time is up and no other has come. */
  onExpired: () => void;
}

/** Longest delay that setTimeout takes, ms. */
const maxTimerMs = 2 ** 31 - 1;

export class Channel implements Member {
  #rights: Rights;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parts: ChannelParts) {
    this.#rights = parts.rights;
  }

  get topic(): string {
    return this.parts.topic;
  }

  get joinRef(): string | null {
    return this.parts.joinRef;
  }

  get isPrivate(): boolean {
    return this.parts.config.private;
  }

  get acknowledges(): boolean {
    return this.parts.config.broadcast.ack;
  }

  /** @param exp when its token expires, s since 1970 */
  open(exp: number): void {
    this.parts.topics.join(this.topic, this.isPrivate, this);
    this.#expireAt(exp);
  }

  refresh(exp: number, rights: Rights): void {
    this.#rights = rights;
    this.#expireAt(exp);
  }

  close(): void {
    clearTimeout(this.#expiry);
    this.parts.topics.leave(this.topic, this.isPrivate, this);
  }

  deliver({ id, event, payload }: Message): void {
    this.parts.send("broadcast", { type: "broadcast", event, payload, meta: { id } });
  }

  /** What its own client sends goes to the other members, if it may; Realtime drops it silently if not. */
  broadcast({ event, payload }: { event: string; payload?: unknown }): void {
    if (!this.#rights.write) return;
    const message = { id: crypto.randomUUID(), event, payload };
    this.parts.topics.send(
      { ...message, topic: this.topic, private: this.isPrivate },
      this.parts.config.broadcast.self ? undefined : this,
    );
  }

  #expireAt(exp: number): void {
    clearTimeout(this.#expiry);
    const leftMs = Math.min(exp * 1000 - Date.now(), maxTimerMs);
    this.#expiry = setTimeout(() => this.parts.onExpired(), leftMs);
  }
}
