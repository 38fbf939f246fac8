/** A stream in answer to a request that asked for none: some servers stream whatever they are asked. */
import { isRecord } from "../model/is-record.ts";
import { errorIn } from "../model/reported-error.ts";
import { readEvents } from "./events.ts";

/**
 * The body that a stream stands for: its last response, with the items that only the stream has, or its error.
 * @returns undefined if the text is no such stream
 */
export async function bodyOfStream(text: string): Promise<unknown> {
  let last: Record<string, unknown> | undefined;
  const items: unknown[] = [];
  for await (const event of eventsOf(text)) {
    if (!isRecord(event)) continue;
    const { type, item, response } = event;
    if (isRecord(response)) last = response;
    else if (type === "response.output_item.done" && isRecord(item)) items.push(item);
    else if (!("item_id" in event || "output_index" in event) && errorIn(event) !== null) {
      return type === "error" && !event["error"] ? { error: event } : event;
    }
  }
  if (last === undefined) return undefined;
  const { output } = last;
  return Array.isArray(output) && output.length > 0 ? last : { ...last, output: items };
}

async function* eventsOf(text: string): AsyncGenerator<unknown> {
  try {
    const bytes = new Response(text).body;
    if (bytes !== null) yield* readEvents(bytes, () => {});
  } catch (error) {
    // Something else that is not JSON.
    if (!(error instanceof SyntaxError)) throw error;
  }
}
