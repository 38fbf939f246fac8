/**
 * Reads a server-sent event stream with as little CPU as possible, because a worker has 2 s of it. Most events of a run are
 * deltas that nobody reads. They are recognized by their `event:` line and dropped before any JSON is parsed. The SDK's own
 * iterator parses each of them.
 */
import { isRecord } from "../model/is-record.ts";
import { jsonOf } from "../model/json-of.ts";
import { AnswerTooLarge, maxAnswerChars, maxCountedChars } from "./unreadable.ts";

const deltaStart = /^event: ?[\w.]+\.delta\n/;
/** Ends the type of a delta. Other data may come under a delta's name: then it has a type of its own. */
const deltaType = '.delta"';
const typeField = '"type"';
const eventName = /^event: ?(.*)$/m;
const plainEvent = /^event:[^\r\n]*\ndata: ?([^\s\r\n][^\r\n]*)\n?$/;
const lineStart = /^\s*(?:event:|data:|id:|:|[{[])/;
/** An error can have any event name. This finds one in a delta: no text can contain it unescaped. */
const errorField = '"error"';

/**
 * The events of a Responses API stream as parsed JSON, without the deltas. If the body is JSON, whatever its content type, the
 * events are that value, the values of a list, or those of its lines.
 * @param onChunk called for every piece of the body, to tell a stall from a quiet run
 * @param onDelta called with each delta as it came, unparsed
 * @throws SyntaxError if an event's data is not JSON; AnswerTooLarge if it is longer than maxAnswerChars
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
  onDelta: (block: string) => void = () => {},
): AsyncGenerator<unknown> {
  const lines = new LineEnds();
  let buffered = "";
  let isJson: boolean | undefined;
  let tooLong = 0;
  try {
    for await (const chunk of body) {
      onChunk(chunk);
      // What was searched already is not searched again; a boundary may have begun in its last character.
      let from = Math.max(0, buffered.length - 1);
      buffered += lines.read(chunk);
      // If the body is one value, a blank line ends no event.
      isJson ??= buffered.trim() === "" ? undefined : /^\s*[{[]/.test(buffered);
      let start = 0;
      for (let end = 0; !isJson && (end = buffered.indexOf("\n\n", from)) !== -1;) {
        if (tooLong > 0) throw new AnswerTooLarge(tooLong + end, maxAnswerChars);
        yield* eventsIn(buffered.slice(start, end + 1), onDelta);
        start = from = end + 2;
      }
      buffered = buffered.slice(start);
      if (tooLong === 0 && buffered.length <= maxAnswerChars) continue;
      // Only the length of an event that is too long is counted, for the error. Anything else that long fails at once.
      if (tooLong === 0 && !lineStart.test(buffered)) {
        throw new AnswerTooLarge(buffered.length, maxAnswerChars);
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
  if (tooLong > 0) throw new AnswerTooLarge(tooLong + buffered.length, maxAnswerChars);
  yield* lastOf(buffered + lines.rest(), isJson ?? false, onDelta);
}

/** One event, or none: a comment, a delta, an event without data. */
function* eventsIn(lines: string, onDelta: (block: string) => void): Generator<unknown> {
  const block = lines.startsWith("\n") ? lines.trimStart() : lines;
  if (deltaStart.test(block) && isOnlyDelta(block)) {
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

/** Whether the data of a delta's event has nothing else in it. No text can contain these unescaped. */
function isOnlyDelta(block: string): boolean {
  return !block.includes(errorField) &&
    (block.includes(deltaType) || !block.includes(typeField) ||
      jsonOf(dataOf(block) ?? "") === undefined);
}

/**
 * The name in `event:` counts if the data does not have one. Data with a response or an item is an event about that, and so is data
 * whose type is an event's own.
 */
function named(event: unknown, name: string | undefined): unknown {
  if (name === undefined || !isRecord(event)) return event;
  const { type, response, item } = event;
  const isOwn = typeof type === "string" && type.startsWith("response.") && !event["error"];
  if (name === "error" && type !== "error" && !isRecord(response) && !isRecord(item) && !isOwn) {
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
    if (isJson) yield* valuesIn(text);
    else yield* eventsIn(text, onDelta);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}

/** One JSON value, a list of events, or an event in each line. A line that the end cuts off does not count. */
function* valuesIn(text: string): Generator<unknown> {
  const whole = jsonOf(text);
  if (Array.isArray(whole)) return yield* whole;
  if (whole !== undefined) return yield whole;
  const [first, ...others] = text.split("\n").filter((line) => line.trim() !== "").map(jsonOf);
  // Otherwise it is one value that is cut off, and its lines are parts of it.
  if (isRecord(first)) yield* [first, ...others.filter((value) => value !== undefined)];
}

/** Decodes pieces of UTF-8, with every line ending as LF: CR and CRLF are line endings too. */
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
    // A CR at the end of the previous piece ended its line already. An LF that follows belongs to it.
    const own = this.#afterCr && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterCr = text.endsWith("\r");
    return own.includes("\r") ? own.replace(/\r\n?/g, "\n") : own;
  }
}

/** The `data:` lines of an event, joined as the standard says; undefined for a comment or an empty event. */
export function dataOf(block: string): string | undefined {
  // Nearly every event is one line with its name and one with its data.
  const plain = plainEvent.exec(block)?.[1];
  if (plain !== undefined) return plain;
  const lines = block.split(/\r\n?|\n/).filter((line) => line.startsWith("data:")).map((line) =>
    line.slice(5).trimStart()
  );
  return lines.length === 0 ? undefined : lines.join("\n");
}
