/**
 * Reads a server-sent event stream for as little CPU as it can: a worker has 2 s of it. Most events of
 * a run are deltas that nobody looks at; they are recognised by their `event:` line and dropped before
 * any JSON is parsed. The SDK's own iterator parses each of them.
 */

const deltaStart = /^event: ?[\w.]+\.delta\r?\n/;
const textDeltaStart = /^event: ?response\.output_text\.delta\r?\n/;
/** Longest event, characters: a stream that never ends one must not fill the worker's memory. */
export const maxEventChars = 16_000_000;

/**
 * The events of a Responses API stream as parsed JSON, without the deltas.
 * @param onChunk called for every piece of the body, so that a stall can be told from a quiet run
 * @param onText called with each text delta as it came, unparsed
 * @throws SyntaxError when an event's data is not JSON, or it is longer than maxEventChars
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
  onText: (block: string) => void = () => {},
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let buffered = "";
  for await (const chunk of body) {
    onChunk();
    // What was searched already is not searched again; a boundary may have begun in its last two characters.
    let from = Math.max(0, buffered.length - 2);
    buffered += decoder.decode(chunk, { stream: true });
    let start = 0;
    let end = nextBoundary(buffered, from);
    while (end !== undefined) {
      const block = buffered.slice(start, end.at);
      start = from = end.next;
      if (!deltaStart.test(block)) {
        const data = dataOf(block);
        if (data !== undefined && data !== "[DONE]") yield JSON.parse(data);
      } else if (textDeltaStart.test(block)) {
        onText(block);
      }
      end = nextBoundary(buffered, from);
    }
    buffered = buffered.slice(start);
    if (buffered.length > maxEventChars) {
      throw new SyntaxError(`Cannot read an event of more than ${maxEventChars} characters`);
    }
  }
}

/** The blank line that ends an event: where it starts, and where the next event does. */
function nextBoundary(text: string, from: number): { at: number; next: number } | undefined {
  for (let line = text.indexOf("\n", from); line !== -1; line = text.indexOf("\n", line + 1)) {
    if (text.startsWith("\n", line + 1)) return { at: line + 1, next: line + 2 };
    if (text.startsWith("\r\n", line + 1)) return { at: line + 1, next: line + 3 };
  }
  return undefined;
}

/** The `data:` lines of an event, joined as the standard says; undefined for a comment or an empty event. */
export function dataOf(block: string): string | undefined {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) =>
    line.slice(5).trimStart()
  );
  return lines.length === 0 ? undefined : lines.join("\n");
}
