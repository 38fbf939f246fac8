/** One joined topic of one connection. */
import type { Claims } from "../auth/tokens.ts";
import type { JoinConfig } from "./frames.ts";
import type { Member, Message, Topics } from "./topics.ts";

export interface ChannelParts {
  topic: string;
  config: JoinConfig;
  claims: Claims;
  topics: Topics;
  mayWrite: (topic: string, claims: Claims) => Promise<boolean>;
  joinRef: string | null;
  send: (event: string, payload: Record<string, unknown>) => void;
  /** The token's time is up and no other has come. */
  onExpired: () => void;
}

/** Longest delay that setTimeout takes, ms. */
const maxTimerMs = 2 ** 31 - 1;

export class Channel implements Member {
  #claims: Claims;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parts: ChannelParts) {
    this.#claims = parts.claims;
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

  open(): void {
    this.parts.topics.join(this.topic, this.isPrivate, this);
    this.#expireAt(this.#claims.exp);
  }

  refresh(claims: Claims): void {
    this.#claims = claims;
    this.#expireAt(claims.exp);
  }

  close(): void {
    clearTimeout(this.#expiry);
    this.parts.topics.leave(this.topic, this.isPrivate, this);
  }

  deliver({ id, event, payload }: Message): void {
    this.parts.send("broadcast", { type: "broadcast", event, payload, meta: { id } });
  }

  /** What its own client sends goes to the other members, if it may; Realtime drops it silently if not. */
  async broadcast(sent: { event: string; payload?: unknown }): Promise<void> {
    if (this.isPrivate && !await this.parts.mayWrite(this.topic, this.#claims)) return;
    const { event, payload } = sent;
    const message = { id: crypto.randomUUID(), event, payload };
    this.parts.topics.send(
      { ...message, topic: this.topic, private: this.isPrivate },
      this.parts.config.broadcast.self ? undefined : this,
    );
  }

  /** @param exp s since 1970 */
  #expireAt(exp: number): void {
    clearTimeout(this.#expiry);
    const leftMs = Math.min(exp * 1000 - Date.now(), maxTimerMs);
    this.#expiry = setTimeout(() => this.parts.onExpired(), leftMs);
  }
}
