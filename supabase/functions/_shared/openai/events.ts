/**
 * Reads a server-sent event stream for as little CPU as it can: a worker has 2 s of it. Most events of
 * a run are deltas that nobody looks at; they are recognised by their `event:` line and dropped before
 * any JSON is parsed. The SDK's own iterator parses each of them.
 */

const DELTA = /^event: ?[\w.]+\.delta\r?\n/;
const TEXT_DELTA = /^event: ?response\.output_text\.delta\r?\n/;

/**
 * The events of a Responses API stream as parsed JSON, without the deltas.
 * @param onChunk called for every piece of the body, so that a stall can be told from a quiet run
 * @param onText called with each text delta as it came, unparsed
 * @throws SyntaxError when an event's data is not JSON
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
    buffered += decoder.decode(chunk, { stream: true });
    let start = 0;
    let end = nextBoundary(buffered, start);
    while (end !== undefined) {
      const block = buffered.slice(start, end.at);
      start = end.next;
      if (!DELTA.test(block)) {
        const data = dataOf(block);
        if (data !== undefined && data !== "[DONE]") yield JSON.parse(data);
      } else if (TEXT_DELTA.test(block)) {
        onText(block);
      }
      end = nextBoundary(buffered, start);
    }
    buffered = buffered.slice(start);
  }
}

/** The blank line that ends an event: where it starts, and where the next event does. */
function nextBoundary(text: string, from: number): { at: number; next: number } | undefined {
  const lf = text.indexOf("\n\n", from);
  const crlf = text.indexOf("\r\n\r\n", from);
  if (crlf !== -1 && (lf === -1 || crlf < lf)) return { at: crlf + 2, next: crlf + 4 };
  return lf === -1 ? undefined : { at: lf + 1, next: lf + 2 };
}

/** The `data:` lines of an event, joined as the standard says; undefined for a comment or an empty event. */
export function dataOf(block: string): string | undefined {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) =>
    line.slice(5).trimStart()
  );
  return lines.length === 0 ? undefined : lines.join("\n");
}
