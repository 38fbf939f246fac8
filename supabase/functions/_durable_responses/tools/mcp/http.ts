/** The requests to one server: where they go, that each is sent once, and that each ends. */
import { fetchOnce } from "../../platform/fetch-once.ts";
import { checkAddress } from "./addresses.ts";
import { AnswerTooLarge, CallUnanswered } from "./server.ts";

/** How much of one answer is read, in bytes. */
const maxAnswerBytes = 8_000_000;

/** How often we try to resume a broken stream if the server cannot be reached. */
export const maxResumes = 2;

/** Our own JSON-RPC codes for ends that a stream does not report itself. */
export const streamEnded = -32_090;
export const streamTooLong = -32_091;

/**
 * A fetch for the SDK's transport. Every address is checked, including redirects, which the transport follows one by one
 * through this.
 *
 * The transport waits forever in three cases: a stream that ends without the answer, a 202 instead of an answer, and a
 * stream that cannot be resumed. Here, the first gets an error in the form of an answer at its end (one that follows the
 * real answer is ignored), the second becomes an error, and the third calls `onLost`.
 */
export class McpHttp {
  #failedResumes = 0;

  constructor(
    private readonly hosts: ReadonlySet<string>,
    private readonly onLost: (error: CallUnanswered) => void,
  ) {}

  readonly fetch = (input: string | URL, init: RequestInit = {}): Promise<Response> =>
    this.#fetch(new URL(input), init);

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    const method = init.method ?? "GET";
    const resumed = new Headers(init.headers).has("last-event-id");
    // A stream for unsolicited messages, which are not needed: everything comes with the answers.
    if (method === "GET" && !resumed) return new Response(null, { status: 405 });
    await checkAddress(url, this.hosts);
    if (resumed) return await this.#resume(url, init);
    const response = await fetchOnce(url, init);
    return method === "POST" ? await withEnd(response, init.body) : response;
  }

  /** Asks for the rest of a broken stream: if the server has it, the call need not be made again. */
  async #resume(url: URL, init: RequestInit): Promise<Response> {
    try {
      const response = await fetchOnce(url, init);
      this.#failedResumes = 0;
      if (isStream(response) && response.body) {
        return new Response(shortBody(response.body), response);
      }
      this.onLost(
        new CallUnanswered(
          `the connection broke, and resuming it was refused (${response.status})`,
        ),
      );
      return response;
    } catch (error) {
      if (++this.#failedResumes >= maxResumes) {
        this.onLost(new CallUnanswered("the connection broke, and the server does not answer"));
      }
      throw error;
    }
  }
}

async function withEnd(response: Response, body: RequestInit["body"]): Promise<Response> {
  const id = requestId(body);
  if (id === undefined || !response.ok) return response;
  if (response.body === null || response.status === 202) {
    await response.body?.cancel();
    throw new CallUnanswered(`the server answered ${response.status} with no result`);
  }
  const bounded = isStream(response) ? endingStream(response.body, id) : shortBody(response.body);
  return new Response(bounded, response);
}

function isStream({ ok, headers }: Response): boolean {
  return ok && (headers.get("content-type") ?? "").startsWith("text/event-stream");
}

/** The id of a JSON-RPC request; undefined for a notification. */
function requestId(body: RequestInit["body"]): unknown {
  const message: unknown = typeof body === "string" ? JSON.parse(body) : undefined;
  return typeof message === "object" && message !== null && "id" in message && "method" in message
    ? message.id
    : undefined;
}

function shortBody(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      bytes += value.byteLength;
      if (bytes > maxAnswerBytes) {
        await reader.cancel();
        throw new AnswerTooLarge(tooLong());
      }
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** A stream that reports its end, unless it can be resumed: then the transport asks for the rest. */
function endingStream(
  body: ReadableStream<Uint8Array>,
  id: unknown,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  let resumable = false;
  let tail = "\n";
  const end = (controller: ReadableStreamDefaultController<Uint8Array>, code: number) => {
    const error = { code, message: code === streamTooLong ? tooLong() : "the stream ended" };
    const message = JSON.stringify({ jsonrpc: "2.0", id, error });
    controller.enqueue(new TextEncoder().encode(`\n\ndata: ${message}\n\n`));
    controller.close();
  };
  return new ReadableStream({
    async pull(controller) {
      const read = await reader.read().catch((error: unknown) => ({ error }));
      if ("error" in read && resumable) throw read.error;
      if ("error" in read) return end(controller, streamEnded);
      if (read.done) return resumable ? controller.close() : end(controller, streamEnded);
      bytes += read.value.byteLength;
      if (bytes > maxAnswerBytes) {
        await reader.cancel();
        return end(controller, streamTooLong);
      }
      // Data has a field name in front, so a line that starts like this is an event's id.
      const text = tail + decoder.decode(read.value, { stream: true });
      resumable ||= /[\r\n]id:/.test(text);
      tail = text.slice(-3);
      controller.enqueue(read.value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function tooLong(): string {
  return `the answer has more than ${maxAnswerBytes / 1_000_000} MB`;
}
