/** A stream in answer to a request that asked for none: some servers stream whatever they are asked. */
import { readItem } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import { errorIn } from "../model/reported-error.ts";
import { isResponse, parseUpstreamResponse } from "../model/upstream-response.ts";
import { readEvents } from "./events.ts";
import { FinishedItems } from "./finished-items.ts";
import { isAboutItem, ShownEvents } from "./shown-events.ts";

const ends = /^response\.(?:completed|done|failed|incomplete|cancelled)$/;

/**
 * The body that a stream stands for: its last response, with the items that only the stream has, or its error. After anything
 * but preparation, an error is that of the response, and no refusal of the request.
 * @returns undefined if the text is no such stream
 */
export async function bodyOfStream(text: string): Promise<unknown> {
  let last: Record<string, unknown> | undefined;
  const shown = new ShownEvents();
  const items = new FinishedItems();
  for await (const event of eventsOf(text, (block) => shown.addDelta(block))) {
    if (!isRecord(event)) continue;
    const { type, item, response, output_index: at } = event;
    if (!isAboutItem(event) && !isRecord(response) && errorIn(event) !== null) {
      const body = type === "error" && !event["error"] ? { error: event } : event;
      shown.addOutput(event);
      if (!shown.isTouched) return body;
      last = last && { ...last, status: "failed", error: body["error"] };
      break;
    }
    if (isRecord(response)) last = response;
    // What the end shows is in the body.
    if (!ends.test(String(type))) shown.add(event);
    if (type === "response.output_item.added" && isRecord(item)) items.begin(at, readItem(item));
    if (type === "response.output_item.done" && isRecord(item)) items.finish(at, readItem(item));
  }
  if (last === undefined || !isResponse(last)) return last;
  const { response: { status, output, outputIsList } } = items.complete(
    parseUpstreamResponse(last),
  );
  // What touched the stream may be a call that it has not shown: the body must not read as a refusal.
  const hidden = shown.isTouched && status !== "completed" ? [{ type: "unknown" }] : [];
  return outputIsList || hidden.length > 0 ? { ...last, output: [...output, ...hidden] } : last;
}

async function* eventsOf(text: string, onDelta: (block: string) => void): AsyncGenerator<unknown> {
  try {
    const bytes = new Response(text).body;
    if (bytes !== null) yield* readEvents(bytes, () => {}, onDelta);
  } catch (error) {
    // Something else that is not JSON.
    if (!(error instanceof SyntaxError)) throw error;
  }
}
