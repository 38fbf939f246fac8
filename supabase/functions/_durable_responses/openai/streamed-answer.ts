/** A stream in answer to a request that asked for none: some servers stream whatever they are asked. */
import { readItem } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import { errorIn } from "../model/reported-error.ts";
import { isResponse, parseUpstreamResponse } from "../model/upstream-response.ts";
import { readEvents } from "./events.ts";
import { FinishedItems } from "./finished-items.ts";

/**
 * The body that a stream stands for: its last response, with the items that only the stream has, or its error. After anything
 * but preparation, an error is that of the response, and no refusal of the request.
 * @returns undefined if the text is no such stream
 */
export async function bodyOfStream(text: string): Promise<unknown> {
  let last: Record<string, unknown> | undefined;
  let isUntouched = true;
  const items = new FinishedItems();
  for await (const event of eventsOf(text)) {
    if (!isRecord(event)) continue;
    const { type, item, response, output_index: at } = event;
    if (isRecord(response)) last = response;
    else if (!isAboutItem(event) && errorIn(event) !== null) {
      const body = type === "error" && !event["error"] ? { error: event } : event;
      if (isUntouched) return body;
      last = last && { ...last, status: "failed", error: body["error"] };
      break;
    }
    isUntouched &&= isPreparation(event);
    if (type === "response.output_item.added" && isRecord(item)) items.begin(at, readItem(item));
    if (type === "response.output_item.done" && isRecord(item)) items.finish(at, readItem(item));
  }
  if (last === undefined || !isResponse(last)) return last;
  const { response: { output, outputIsList } } = items.complete(parseUpstreamResponse(last));
  return outputIsList ? { ...last, output } : last;
}

function isAboutItem(event: Record<string, unknown>): boolean {
  return "item" in event || "item_id" in event || "output_index" in event;
}

const beginnings: ReadonlySet<unknown> = new Set([
  "response.created",
  "response.queued",
  "response.in_progress",
]);

/** Whether an event says nothing but that a response has begun, thinks, or lists tools: that comes before calls. */
function isPreparation({ type, item, response }: Record<string, unknown>): boolean {
  if (beginnings.has(type)) {
    const output = isRecord(response) ? response["output"] ?? [] : [];
    return Array.isArray(output) && output.every(isPreparing);
  }
  if (type === "response.output_item.added" || type === "response.output_item.done") {
    return isPreparing(item);
  }
  return typeof type === "string" && /^response\.(?:reasoning|mcp_list_tools)/.test(type);
}

function isPreparing(item: unknown): boolean {
  return isRecord(item) && (item["type"] === "reasoning" || item["type"] === "mcp_list_tools");
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
