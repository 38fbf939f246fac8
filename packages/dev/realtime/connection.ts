/** One websocket: joins, leaves, heartbeats, refreshed tokens and messages of its client. */
import type { Claims } from "../auth/tokens.ts";
import { readBinaryFrame } from "./binary-frame.ts";
import {
  broadcastPayload,
  type Frame,
  joinPayload,
  readFrame,
  tokenPayload,
  writeFrame,
} from "./frames.ts";
import { Channel } from "./channel.ts";
import type { Topics } from "./topics.ts";

export interface ConnectionParts {
  topics: Topics;
  /** The token that stands for the API key with which the socket was opened. */
  keyToken: string;
  verify: (token: string) => Promise<Claims | undefined>;
  mayRead: (topic: string, claims: Claims) => Promise<boolean>;
  mayWrite: (topic: string, claims: Claims) => Promise<boolean>;
  /** Why joins are refused now, if they are. */
  refusal: () => string | undefined;
  onError: (error: unknown) => void;
}

const prefix = "realtime:";

export class Connection {
  readonly #channels = new Map<string, Channel>();
  /** Frames are handled one after the other, as they came. */
  #handled: Promise<void> = Promise.resolve();

  constructor(private readonly socket: WebSocket, private readonly parts: ConnectionParts) {
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.#handled = this.#handled.then(() => this.#onData(data)).catch(parts.onError);
    });
    socket.addEventListener("close", () => this.#leaveAll());
  }

  /** Ends the socket; an abnormal code makes a client reconnect. */
  close(code = 1000): void {
    this.#leaveAll();
    this.socket.close(code);
  }

  async #onData(data: unknown): Promise<void> {
    if (typeof data === "string") {
      const frame = readFrame(data);
      if (frame) await this.#on(frame);
    } else if (data instanceof ArrayBuffer) {
      const frame = readBinaryFrame(new Uint8Array(data));
      if (frame) await this.#on(frame);
    }
  }

  async #on(frame: Frame): Promise<void> {
    const { topic, event } = frame;
    if (topic === "phoenix" && event === "heartbeat") return this.#reply(frame, "ok", {});
    if (event === "phx_join") return await this.#join(frame);
    const channel = this.#channels.get(topic);
    if (!channel) return this.#reply(frame, "error", { reason: "unmatched topic" });
    if (event === "phx_leave") {
      this.#close(topic, channel);
      this.#reply(frame, "ok", {});
      this.#send({ ...frame, ref: frame.joinRef, event: "phx_close", payload: {} });
    } else if (event === "access_token") {
      await this.#refresh(channel, tokenPayload.parse(frame.payload).access_token);
    } else if (event === "broadcast") {
      await channel.broadcast(broadcastPayload.parse(frame.payload));
      if (channel.acknowledges) this.#reply(frame, "ok", {});
    }
  }

  async #join(frame: Frame): Promise<void> {
    const refuse = (reason: string) => this.#reply(frame, "error", { reason });
    const { config, access_token } = joinPayload.parse(frame.payload);
    if (!frame.topic.startsWith(prefix)) return refuse("unmatched topic");
    const topic = frame.topic.slice(prefix.length);
    const refusal = this.parts.refusal();
    if (refusal !== undefined) return refuse(refusal);
    const claims = await this.parts.verify(this.#tokenFrom(access_token));
    if (!claims) return refuse("InvalidJWTToken: The token provided is not valid or has expired");
    if (config.private && !await this.parts.mayRead(topic, claims)) {
      return refuse(
        `Unauthorized: You do not have permissions to read from this Channel topic: ${topic}`,
      );
    }
    const before = this.#channels.get(frame.topic);
    if (before) this.#close(frame.topic, before);
    const channel = new Channel({
      topic,
      config,
      claims,
      joinRef: frame.joinRef,
      topics: this.parts.topics,
      mayWrite: this.parts.mayWrite,
      send: (event, payload) =>
        this.#send({ joinRef: null, ref: null, topic: frame.topic, event, payload }),
      onExpired: () => this.#expire(frame, channel),
    });
    channel.open();
    this.#channels.set(frame.topic, channel);
    this.#reply(frame, "ok", { postgres_changes: [] });
  }

  /** A new token is looked at like the first one; what it may not read is closed. */
  async #refresh(channel: Channel, token: string | null | undefined): Promise<void> {
    const claims = await this.parts.verify(this.#tokenFrom(token));
    const allowed = claims !== undefined &&
      (!channel.isPrivate || await this.parts.mayRead(channel.topic, claims));
    if (allowed) return channel.refresh(claims);
    this.#shut(channel, "Unauthorized: the refreshed token may not read from this Channel topic");
  }

  #expire(frame: Frame, channel: Channel): void {
    if (this.#channels.get(frame.topic) === channel) this.#shut(channel, "Token has expired");
  }

  #shut(channel: Channel, message: string): void {
    const topic = prefix + channel.topic;
    this.#close(topic, channel);
    const payload = { extension: "system", status: "error", message, channel: channel.topic };
    const { joinRef } = channel;
    this.#send({ joinRef: null, ref: null, topic, event: "system", payload });
    this.#send({ joinRef, ref: joinRef, topic, event: "phx_close", payload: {} });
  }

  // An `sb_…` key in a token's place is no token: the API key's role counts.
  #tokenFrom(given: string | null | undefined): string {
    return !given || given.startsWith("sb_") ? this.parts.keyToken : given;
  }

  #close(topic: string, channel: Channel): void {
    channel.close();
    if (this.#channels.get(topic) === channel) this.#channels.delete(topic);
  }

  #leaveAll(): void {
    for (const [topic, channel] of [...this.#channels]) this.#close(topic, channel);
  }

  #reply({ joinRef, ref, topic }: Frame, status: "ok" | "error", response: object): void {
    this.#send({ joinRef, ref, topic, event: "phx_reply", payload: { status, response } });
  }

  #send(frame: Frame): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(writeFrame(frame));
  }
}
