/**
 * One MCP server as one run sees it: connected when first needed, with a new session if the server has forgotten the old
 * one.
 */
import { isRecord } from "../../model/is-record.ts";
import { list } from "../../model/lenient.ts";
import * as z from "../../model/zod.ts";
import { McpChannel, type Patience } from "./channel.ts";
import { CallRefused, CallUnanswered, longestCall, type McpServer } from "./server.ts";
import { type ListedTool, readTools } from "./listed-tool.ts";
import { waitFor } from "./wait-for.ts";
import { messageOf } from "../../platform/log.ts";

/** The protocol versions in which tools mean the same here, newest first: each has only added to them. */
export const protocolVersions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const client = { name: "durable-responses", version: "0.1.0" };

/** How long a server may take for everything except calls, in ms. Calls have their own `timeoutMs`. */
export interface SessionLimits {
  /** For each answer until it is connected, and for each page of its list. */
  answerMs: number;
  /** For all pages together. */
  listMs: number;
}
const usualLimits: SessionLimits = { answerMs: 20_000, listMs: 60_000 };
/** A server whose pages never end must not block a run. */
const maxPages = 100;

const initialized = z.looseObject({ protocolVersion: z.string() });
const page = z.looseObject({ tools: list, nextCursor: z.optional(z.unknown()) });

/** All tools that a server lists. */
export interface ToolList {
  tools: ListedTool[];
  /** Tools that cannot be offered, and why. */
  warnings: string[];
}

export interface CallOptions {
  signal: AbortSignal;
  onProgress?: () => void;
}

export class McpSession {
  #channel: Promise<McpChannel> | undefined;
  /** Its channel, once it is connected. */
  #connectedTo: McpChannel | undefined;
  #closing = new AbortController();
  readonly #forgotten: McpChannel[] = [];

  constructor(
    private readonly server: McpServer,
    private readonly hosts: ReadonlySet<string>,
    private readonly limits = usualLimits,
  ) {}

  /** All tools, from all pages. */
  async listTools(signal: AbortSignal): Promise<ToolList> {
    const { answerMs, listMs } = this.limits;
    const until = performance.now() + listMs;
    const raw: unknown[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < maxPages; pages++) {
      const totalMs = Math.ceil(until - performance.now());
      if (totalMs <= 0) {
        throw new CallUnanswered(`its list of tools did not end within ${listMs / 1000} s`);
      }
      const params = cursor === undefined ? {} : { cursor };
      const patience = { signal, silenceMs: answerMs, totalMs };
      const read = page.parse(await this.#request("tools/list", params, patience));
      raw.push(...read.tools);
      if (typeof read.nextCursor !== "string" || read.nextCursor === "") break;
      if (read.nextCursor === cursor) {
        throw new CallUnanswered("its list of tools repeats a page");
      }
      cursor = read.nextCursor;
    }
    return readTools(this.server.label, raw);
  }

  /**
   * Makes a call, once. Returns the result as the server gave it, including an error of the tool's own.
   * @throws CallRefused if it was certainly not made, CallUnanswered if nobody knows, AnswerTooLarge and AnswerUnfit if it
   *   was made
   */
  async call(
    name: string,
    args: Record<string, unknown>,
    { signal, onProgress }: CallOptions,
  ): Promise<Record<string, unknown>> {
    const { timeoutMs } = this.server;
    const result = await this.#request("tools/call", { name, arguments: args }, {
      signal,
      silenceMs: timeoutMs,
      totalMs: timeoutMs * longestCall,
      ...(onProgress ? { onProgress } : {}),
    });
    if (isRecord(result)) return result;
    throw new CallUnanswered("its answer is not a tool's result");
  }

  /** A connection that is not complete yet is abandoned. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#closing = new AbortController();
    const opened = await Promise.allSettled([...this.#forgotten, this.#channel]);
    this.#channel = undefined;
    this.#connectedTo = undefined;
    this.#forgotten.length = 0;
    await Promise.all(
      opened.map((each) => each.status === "fulfilled" ? each.value?.close() : undefined),
    );
  }

  /** A session that the server no longer knows did nothing, so the request is sent again in a new one, once. */
  async #request(
    method: string,
    params: Record<string, unknown>,
    patience: Patience,
  ): Promise<unknown> {
    const channel = await this.#connected(patience.signal);
    try {
      return await channel.request(method, params, patience);
    } catch (error) {
      if (!channel.hasSession || !(error instanceof CallRefused && error.sessionGone)) throw error;
      this.#forget(channel);
      return await (await this.#connected(patience.signal)).request(method, params, patience);
    }
  }

  /** Before there is a session, no request has started, so any failure here is a refusal. */
  async #connected(signal: AbortSignal): Promise<McpChannel> {
    try {
      if (signal.aborted) throw new CallRefused("the run was stopped before it");
      return await waitFor(this.#channel ??= this.#begin(), { signal });
    } catch (error) {
      const message = messageOf(error);
      throw new CallRefused(
        `cannot connect: ${message}`,
        error instanceof CallRefused ? error : {},
      );
    }
  }

  /** Other calls may still be running in it, so it is closed with the run. */
  #forget(channel: McpChannel): void {
    if (this.#connectedTo !== channel) return;
    this.#forgotten.push(channel);
    this.#connectedTo = undefined;
    this.#channel = undefined;
  }

  /** Shared by all who need it: it ends with the session, not with the first of them. */
  #begin(): Promise<McpChannel> {
    const connecting = this.#connect(this.#closing.signal).then(
      (channel) => this.#connectedTo = channel,
      (error) => {
        // The next caller tries again.
        if (this.#channel === connecting) this.#channel = undefined;
        throw error;
      },
    );
    return connecting;
  }

  async #connect(signal: AbortSignal): Promise<McpChannel> {
    const channel = new McpChannel(this.server, this.hosts);
    const { answerMs } = this.limits;
    await channel.start();
    try {
      const [newest] = protocolVersions;
      const { protocolVersion } = initialized.parse(
        await channel.request("initialize", {
          protocolVersion: newest,
          capabilities: {},
          clientInfo: client,
        }, { signal, silenceMs: answerMs, totalMs: answerMs }),
      );
      if (!protocolVersions.includes(protocolVersion)) {
        throw new CallRefused(
          `it speaks version ${protocolVersion} of the protocol, and only these are supported: ${
            protocolVersions.join(", ")
          }`,
        );
      }
      channel.useVersion(protocolVersion);
      await waitFor(channel.notify("notifications/initialized"), { signal, ms: answerMs });
      return channel;
    } catch (error) {
      await channel.close();
      throw error;
    }
  }
}
