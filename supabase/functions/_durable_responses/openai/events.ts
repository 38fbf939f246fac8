/**
 * Reads a server-sent event stream for as little CPU as it can: a worker has 2 s of it. Most events of
 * a run are deltas that nobody looks at; they are recognised by their `event:` line and dropped before
 * any JSON is parsed. The SDK's own iterator parses each of them.
 */
import { isRecord } from "../model/lenient.ts";
import { AnswerTooLarge } from "./unreadable.ts";

const deltaStart = /^event: ?[\w.]+\.delta\n/;
const eventName = /^event: ?(.*)$/m;
const plainEvent = /^event:[^\r\n]*\ndata: ?([^\s\r\n][^\r\n]*)\n?$/;
const lineStart = /^\s*(?:event:|data:|id:|:|[{[])/;
/** An error goes by any name: in a delta it is looked for by this, which no text can hold unescaped. */
const errorField = '"error"';
/** Longest event, characters: a stream that never ends one must not fill the worker's memory. */
export const maxEventChars = 16_000_000;
/** How much of an event that is too long is counted, to say how long it was. */
const maxCountedChars = 256_000_000;

/**
 * The events of a Responses API stream as parsed JSON, without the deltas. A body that is one JSON value, whatever its content
 * type says, is that one value.
 * @param onChunk called for every piece of the body, so that a stall can be told from a quiet run
 * @param onDelta called with each delta as it came, unparsed
 * @throws SyntaxError when an event's data is not JSON; AnswerTooLarge when it is longer than maxEventChars
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
  onDelta: (block: string) => void = () => {},
): AsyncGenerator<unknown> {
  const lines = new LineEnds();
  let buffered = "";
  let isJson: boolean | undefined;
  let tooLong = 0;
  try {
    for await (const chunk of body) {
      onChunk();
      // What was searched already is not searched again; a boundary may have begun in its last character.
      let from = Math.max(0, buffered.length - 1);
      buffered += lines.read(chunk);
      // A blank line ends no event where the body is one value.
      isJson ??= buffered.trim() === "" ? undefined : /^\s*[{[]/.test(buffered);
      let start = 0;
      for (let end = 0; !isJson && (end = buffered.indexOf("\n\n", from)) !== -1;) {
        if (tooLong > 0) throw new AnswerTooLarge(tooLong + end, maxEventChars);
        yield* eventsIn(buffered.slice(start, end + 1), onDelta);
        start = from = end + 2;
      }
      buffered = buffered.slice(start);
      if (tooLong === 0 && buffered.length <= maxEventChars) continue;
      // Of an event that is too long only its length is kept, to be told; what is none is not worth the wait.
      if (tooLong === 0 && !lineStart.test(buffered)) {
        throw new AnswerTooLarge(buffered.length, maxEventChars);
      }
      tooLong += buffered.length - 1;
      buffered = buffered.slice(-1);
      if (tooLong > maxCountedChars) break;
    }
  } catch (error) {
    if (error instanceof AnswerTooLarge) throw error;
    // Complete events that arrived before the connection broke still count.
    if (tooLong === 0) yield* lastOf(buffered, isJson ?? false, onDelta);
    throw error;
  }
  if (tooLong > 0) throw new AnswerTooLarge(tooLong + buffered.length, maxEventChars);
  yield* lastOf(buffered + lines.rest(), isJson ?? false, onDelta);
}

/** One event, or none: a comment, a delta, an event with no data. */
function* eventsIn(lines: string, onDelta: (block: string) => void): Generator<unknown> {
  const block = lines.startsWith("\n") ? lines.trimStart() : lines;
  if (deltaStart.test(block) && !block.includes(errorField)) {
    onDelta(block);
    return;
  }
  const data = dataOf(block);
  if (data === undefined || data.trim() === "[DONE]") return;
  const event = named(JSON.parse(data), eventName.exec(block)?.[1]?.trim());
  const type = isRecord(event) && typeof event["type"] === "string" ? event["type"] : "";
  if (!type.endsWith(".delta") || isRecord(event) && event["error"]) yield event;
  else onDelta(block);
}

/** What `event:` says counts where the data itself says nothing: what has a response or an item is about that. */
function named(event: unknown, name: string | undefined): unknown {
  if (name === undefined || !isRecord(event)) return event;
  const { type, response, item } = event;
  if (name === "error" && type !== "error" && !isRecord(response) && !isRecord(item)) {
    return { type: "error", error: event["error"] ?? event };
  }
  return event["type"] === undefined && !event["error"] && name.startsWith("response.")
    ? { ...event, type: name }
    : event;
}

/** The last event needs no blank line. An event that the end cuts off does not count. */
function* lastOf(
  text: string,
  isJson: boolean,
  onDelta: (block: string) => void,
): Generator<unknown> {
  if (text.trim() === "") return;
  try {
    if (isJson) yield JSON.parse(text);
    else yield* eventsIn(text, onDelta);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}

/** Decodes pieces of UTF-8 with every line end as LF: CR and CRLF are line ends too. */
class LineEnds {
  readonly #decoder = new TextDecoder();
  #afterCr = false;

  read(chunk: Uint8Array): string {
    return this.#plain(this.#decoder.decode(chunk, { stream: true }));
  }

  rest(): string {
    return this.#plain(this.#decoder.decode());
  }

  #plain(text: string): string {
    if (text === "") return text;
    // A CR at the end of the piece before ended its line already; an LF that follows it belongs to it.
    const own = this.#afterCr && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterCr = text.endsWith("\r");
    return own.includes("\r") ? own.replace(/\r\n?/g, "\n") : own;
  }
}

/** The `data:` lines of an event, joined as the standard says; undefined for a comment or an empty event. */
export function dataOf(block: string): string | undefined {
  // Nearly every event is one line that names it and one with its data.
  const plain = plainEvent.exec(block)?.[1];
  if (plain !== undefined) return plain;
  const lines = block.split(/\r\n?|\n/).filter((line) => line.startsWith("data:")).map((line) =>
    line.slice(5).trimStart()
  );
  return lines.length === 0 ? undefined : lines.join("\n");
}
