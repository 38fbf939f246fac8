/**
 * JSON-RPC over the SDK's streamable HTTP: requests and their answers, progress, cancellation.
 *
 * The SDK's transport does HTTP, sessions, version headers, event streams and their resumption. Its `Client` is not used. It
 * checks a tool's answer after the call, and discards the answer if it does not fit the tool's own schema. It discards a whole
 * list because of one schema. And it brings a schema compiler (211 kB instead of 49, and packages that cannot be pinned).
 */
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { isRecord } from "../../model/is-record.ts";
import * as z from "../../model/zod.ts";
import { describe, log } from "../../platform/log.ts";
import { AddressRefused } from "./addresses.ts";
import { maxResumes, McpHttp, streamEnded, streamTooLong } from "./http.ts";
import { isRefusedWith, saysForgotten } from "./refused-with.ts";
import {
  AnswerTooLarge,
  AnswerUnfit,
  CallRefused,
  CallUnanswered,
  type McpServer,
  saysUnfit,
} from "./server.ts";

/** How long a request may take. */
export interface Patience {
  /** The longest silence, in ms. */
  silenceMs: number;
  /** The longest time in total, whatever progress is reported, in ms. */
  totalMs: number;
  signal: AbortSignal;
  /** Called for each sign of life. */
  onProgress?: () => void;
}

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  onProgress: () => void;
}

const answer = z.looseObject({
  id: z.number(),
  result: z.optional(z.unknown()),
  error: z.optional(z.looseObject({ code: z.number(), message: z.string() })),
});
const progress = z.looseObject({
  method: z.literal("notifications/progress"),
  params: z.looseObject({ progressToken: z.number() }),
});

/** Codes with which a server says that it did not even start. */
const notBegun = new Set([-32_700, -32_600, -32_601]);
/**
 * Servers also answer with this code if a tool's output, after the call, does not fit its schema. So it is a refusal only if
 * its words are about the input, or about a tool that does not exist.
 */
const invalidParams = -32_602;
const aboutWhatWasSent =
  /\b(?:inputs?|arguments?|parameters?)\b|\b(?:unknown|no such) tool\b|\btool\b.*\b(?:not found|disabled|does not exist)\b/is;
/** How long to wait for the end of a session, in ms: a server that is gone must not delay a run's end. */
const farewellMs = 2_000;
const longestNote = 300;

export class McpChannel {
  readonly #transport: StreamableHTTPClientTransport;
  readonly #http: McpHttp;
  readonly #pending = new Map<number, Pending>();
  readonly #cancelling = new Set<Promise<void>>();
  #lastId = 0;
  #closed = false;

  constructor(private readonly server: McpServer, hosts: ReadonlySet<string>) {
    this.#http = new McpHttp(hosts, (error) => this.#failAll(error));
    this.#transport = new StreamableHTTPClientTransport(new URL(server.url), {
      requestInit: { headers: { ...server.headers } },
      fetch: this.#http.fetch,
      reconnectionOptions: {
        initialReconnectionDelay: 200,
        maxReconnectionDelay: 5_000,
        reconnectionDelayGrowFactor: 2,
        maxRetries: maxResumes,
      },
    });
    this.#transport.onmessage = (message) => this.#onMessage(message);
    // A failed request is reported to its caller. This also gets errors of broken streams that are retried.
    this.#transport.onerror = (error) => this.#note("trouble with an MCP connection", error);
  }

  start(): Promise<void> {
    return this.#transport.start();
  }

  get hasSession(): boolean {
    return this.#transport.sessionId !== undefined;
  }

  useVersion(version: string): void {
    this.#transport.setProtocolVersion(version);
  }

  async notify(method: string, params: Record<string, unknown> = {}): Promise<void> {
    await this.#transport.send({ jsonrpc: "2.0", method, params });
  }

  /**
   * Sends a request, once, and waits for its answer.
   * @throws CallRefused, CallUnanswered, AnswerTooLarge, AnswerUnfit
   */
  async request(
    method: string,
    params: Record<string, unknown>,
    patience: Patience,
  ): Promise<unknown> {
    const { signal, silenceMs, totalMs, onProgress } = patience;
    if (signal.aborted) throw new CallRefused("the run was stopped before it");
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const giveUp = (error: Error) => {
      reject(error);
      this.#cancel(id, error.message);
    };
    const late = (ms: number) => () =>
      giveUp(new CallUnanswered(`there was no answer within ${ms / 1000} s`));
    const total = setTimeout(late(totalMs), totalMs);
    let silence = setTimeout(late(silenceMs), silenceMs);
    const onAbort = () => giveUp(new CallUnanswered("the run was stopped during it"));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#pending.set(id, {
      resolve,
      reject,
      onProgress: () => {
        clearTimeout(silence);
        silence = setTimeout(late(silenceMs), silenceMs);
        onProgress?.();
      },
    });
    try {
      // Not awaited: it may be silent as long as the call itself.
      this.#transport.send({
        jsonrpc: "2.0",
        id,
        method,
        params: { ...params, _meta: { progressToken: id } },
      }).catch((error: unknown) => reject(asCallError(error, method === "tools/call")));
      return await promise;
    } finally {
      clearTimeout(total);
      clearTimeout(silence);
      signal.removeEventListener("abort", onAbort);
      this.#pending.delete(id);
    }
  }

  /** Ends the session and the connection, without waiting for a server that does not answer. */
  async close(): Promise<void> {
    // In this order, because a session that has ended accepts no cancellation.
    await within(farewellMs, Promise.allSettled(this.#cancelling));
    await within(
      farewellMs,
      this.#transport.terminateSession().catch((error: unknown) =>
        this.#note("cannot end an MCP session", error)
      ),
    );
    this.#closed = true;
    await this.#transport.close();
  }

  #onMessage(message: unknown): void {
    const told = progress.safeParse(message);
    if (told.success) {
      this.#pending.get(told.data.params.progressToken)?.onProgress();
      return;
    }
    if (isRecord(message) && "method" in message) {
      if ("id" in message) this.#answerServer(message["id"], message["method"]);
      return;
    }
    const answered = answer.safeParse(message);
    if (!answered.success) return;
    const { id, result, error } = answered.data;
    const pending = this.#pending.get(id);
    if (error !== undefined) pending?.reject(ofRpcError(error));
    else pending?.resolve(result);
  }

  /** A server may ping the client. We offered nothing else that it could ask for. */
  #answerServer(id: unknown, method: unknown): void {
    if (typeof id !== "string" && typeof id !== "number") return;
    const reply = method === "ping"
      ? { result: {} }
      : { error: { code: -32_601, message: `This client has no ${String(method)}` } };
    this.#transport.send({ jsonrpc: "2.0", id, ...reply }).catch((error: unknown) =>
      this.#note("an MCP server did not accept an answer", error)
    );
  }

  #cancel(id: number, reason: string): void {
    const cancelling = this.notify("notifications/cancelled", { requestId: id, reason })
      .catch((error: unknown) => this.#note("a call could not be cancelled", error))
      .finally(() => this.#cancelling.delete(cancelling));
    this.#cancelling.add(cancelling);
  }

  /** For operators: no run depends on it. */
  #note(what: string, error: unknown): void {
    if (this.#closed) return;
    log.info(what, { server: this.server.label, error: describe(error).slice(0, longestNote) });
  }

  #failAll(error: CallUnanswered): void {
    for (const { reject } of this.#pending.values()) reject(error);
  }
}

/** Waits for something, for at most `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([work, new Promise((resolve) => timer = setTimeout(resolve, ms))]);
  clearTimeout(timer);
}

function ofRpcError({ code, message }: { code: number; message: string }): Error {
  if (code === streamTooLong) return new AnswerTooLarge(message);
  if (code === streamEnded) return new CallUnanswered("the connection ended before the answer");
  const told = `${message} (MCP error ${code})`;
  if (saysUnfit(message)) return new AnswerUnfit(told);
  const refused = notBegun.has(code) || code === invalidParams && aboutWhatWasSent.test(message);
  return refused ? new CallRefused(told) : new CallUnanswered(told);
}

/**
 * Turns what the transport throws into its meaning for the request.
 * @param acts whether it may have done something that must not be done twice: then only a sure refusal is one
 */
function asCallError(error: unknown, acts: boolean): Error {
  if (error instanceof AnswerTooLarge || error instanceof CallUnanswered) return error;
  if (error instanceof AddressRefused) {
    return new CallRefused(asError(error).message, { addressRefused: true });
  }
  const status = isRecord(error) || error instanceof Error ? statusOf(error) : undefined;
  const message = asError(error).message.replace(
    /^Streamable HTTP error: (?:Error POSTing to endpoint: )?/,
    "",
  );
  if (status === undefined) return new CallUnanswered(withCause(error, message));
  const told = `the server answered ${status}${message === "" ? "" : `: ${message.slice(0, 500)}`}`;
  if (acts) {
    const sessionGone = saysForgotten(status, message);
    return isRefusedWith(status, message)
      ? new CallRefused(told, { status, sessionGone })
      : new CallUnanswered(told);
  }
  // A redirect that was not followed, or a refusal. 408 and 499 mean that somebody stopped waiting.
  const refused = status >= 300 && status < 500 && status !== 408 && status !== 499;
  const sessionGone = status === 404 || status === 400 && /session/i.test(message);
  return refused ? new CallRefused(told, { status, sessionGone }) : new CallUnanswered(told);
}

/** The reason why a connection failed is one level down. */
function withCause(error: unknown, message: string): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function statusOf(error: object): number | undefined {
  const { code } = { code: undefined, ...error };
  return typeof code === "number" && code >= 300 && code <= 599 ? code : undefined;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
