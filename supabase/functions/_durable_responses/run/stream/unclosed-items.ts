/** What a lost attempt left open in its stream. */
import { itemSchema } from "../../model/items.ts";
import * as z from "../../model/zod.ts";
import { OpenItem } from "./open-item.ts";
import type { EventBody } from "./shown-event.ts";

const eventSchema = z.looseObject({
  type: z.string(),
  sequence_number: z.int(),
  output_index: z.int(),
  item: z.optional(itemSchema),
});

/**
 * The events that close what is open, each item with what its readers have seen.
 * @param lines the stream from the oldest open item on; null if nothing is open
 */
export function closeUnclosedItems(lines: string | null): EventBody[] {
  const open = new Map<number, OpenItem>();
  for (const line of lines?.split("\n") ?? []) {
    const event = eventSchema.parse(JSON.parse(line));
    const { type, item, output_index: index } = event;
    if (type === "response.output_item.added" && item) {
      open.set(index, new OpenItem(item, index, event.sequence_number));
    } else if (type === "response.output_item.done") open.delete(index);
    else open.get(index)?.take(event);
  }
  return [...open.values()].flatMap((item) => item.incomplete());
}
