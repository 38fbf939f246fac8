/** One server of tools as one run sees it: connected when first needed, a new session when the server has forgotten the old one. */
import { isRecord, list } from "../../model/lenient.ts";
import * as z from "../../model/zod.ts";
import { McpChannel, type Patience } from "./channel.ts";
import { CallRefused, CallUnanswered, longestCall, type McpServer } from "./server.ts";
import { type ListedTool, readTools } from "./listed-tool.ts";

/** The versions of the protocol whose tools mean the same here, newest first: each has only added to them. */
export const protocolVersions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const client = { name: "durable-responses", version: "0.1.0" };

/** For connecting and for lists; a call has its server's own. */
const connectMs = 20_000;
/** A server whose pages never end must not hold a run. */
const maxPages = 100;

const initialized = z.looseObject({ protocolVersion: z.string() });
const page = z.looseObject({ tools: list, nextCursor: z.optional(z.unknown()) });

/** What a server says of itself when all its tools were listed. */
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
  readonly #forgotten: McpChannel[] = [];

  constructor(private readonly server: McpServer, private readonly hosts: ReadonlySet<string>) {}

  /** All tools, of all pages. */
  async listTools(signal: AbortSignal): Promise<ToolList> {
    const raw: unknown[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < maxPages; pages++) {
      const params = cursor === undefined ? {} : { cursor };
      const read = page.parse(await this.#request("tools/list", params, short(signal)));
      raw.push(...read.tools);
      if (typeof read.nextCursor !== "string" || read.nextCursor === "") break;
      if (read.nextCursor === cursor) {
        throw new CallUnanswered("its list of tools goes round in a circle");
      }
      cursor = read.nextCursor;
    }
    return readTools(this.server.label, raw);
  }

  /**
   * Makes a call, once. The result is as the server gave it, an error of the tool's own too.
   * @throws CallRefused when it was certainly not made, CallUnanswered when nobody knows, AnswerTooLarge and AnswerUnfit
   *   when it was made
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
    throw new CallUnanswered("its answer is no result of a tool");
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled([...this.#forgotten, this.#channel]);
    this.#channel = undefined;
    this.#forgotten.length = 0;
    await Promise.all(
      opened.map((each) => each.status === "fulfilled" ? each.value?.close() : undefined),
    );
  }

  /** A session that the server no longer knows got nothing done: what was asked is asked in a new one, once. */
  async #request(
    method: string,
    params: Record<string, unknown>,
    patience: Patience,
  ): Promise<unknown> {
    const channel = await this.#connected(patience.signal);
    try {
      return await channel.request(method, params, patience);
    } catch (error) {
      if (!channel.hasSession || !saysForgotten(error)) throw error;
      await this.#forget(channel);
      return await (await this.#connected(patience.signal)).request(method, params, patience);
    }
  }

  /** Nothing that was asked for has been begun before there is a session, so whatever fails here is a refusal. */
  async #connected(signal: AbortSignal): Promise<McpChannel> {
    const connecting = this.#channel ??= this.#connect(signal);
    try {
      return await connecting;
    } catch (error) {
      if (this.#channel === connecting) this.#channel = undefined;
      const message = error instanceof Error ? error.message : String(error);
      throw new CallRefused(
        `cannot connect: ${message}`,
        error instanceof CallRefused ? error : {},
      );
    }
  }

  /** Other calls may still be under way in it, so it is closed with the run. */
  async #forget(channel: McpChannel): Promise<void> {
    if (this.#channel === undefined || await this.#channel !== channel) return;
    this.#forgotten.push(channel);
    this.#channel = undefined;
  }

  async #connect(signal: AbortSignal): Promise<McpChannel> {
    const channel = new McpChannel(this.server, this.hosts);
    await channel.start();
    try {
      const [newest] = protocolVersions;
      const { protocolVersion } = initialized.parse(
        await channel.request("initialize", {
          protocolVersion: newest,
          capabilities: {},
          clientInfo: client,
        }, short(signal)),
      );
      if (!protocolVersions.includes(protocolVersion)) {
        throw new CallRefused(
          `it speaks version ${protocolVersion} of the protocol; known are ${
            protocolVersions.join(", ")
          }`,
        );
      }
      channel.useVersion(protocolVersion);
      await channel.notify("notifications/initialized");
      return channel;
    } catch (error) {
      await channel.close();
      throw error;
    }
  }
}

/** 404 is the protocol's word for it; servers made after the SDK's example say 400. */
function saysForgotten(error: unknown): boolean {
  return error instanceof CallRefused &&
    (error.status === 404 || error.status === 400 && /session/i.test(error.message));
}

function short(signal: AbortSignal): Patience {
  return { signal, silenceMs: connectMs, totalMs: connectMs };
}
