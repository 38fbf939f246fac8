/** Which items a stream has shown to its reader. */
import { type Item, itemSchema } from "../../model/items.ts";
import * as z from "../../model/zod.ts";
import type { EventBody, ShownEvent } from "../../run/stream/shown-event.ts";
import { itemEvents } from "../../run/stream/item-events.ts";

const itemEvent = z.object({ output_index: z.int(), item: itemSchema });

/** Follows a stream's items. Only the events that start and end an item are parsed. */
export class ShownItems {
  readonly #ids = new Set<unknown>();
  readonly #open = new Map<unknown, { index: number; item: Item }>();

  get ids(): ReadonlySet<unknown> {
    return this.#ids;
  }

  take({ type, json }: ShownEvent): void {
    if (type !== "response.output_item.added" && type !== "response.output_item.done") return;
    const { output_index: index, item } = itemEvent.parse(JSON.parse(json));
    const id = item["id"];
    this.#ids.add(id);
    if (type === "response.output_item.added") this.#open.set(id, { index, item });
    else this.#open.delete(id);
  }

  /**
   * The events that close what is open in a stream that will not continue: with the item of the answer, or as incomplete if
   * the answer does not have it.
   */
  end(answer: readonly Item[]): EventBody[] {
    return [...this.#open].flatMap(([id, { index, item }]) => {
      const final = answer.find((one) => one["id"] === id) ?? { ...item, status: "incomplete" };
      return itemEvents(final, index).filter(({ type }) =>
        type !== "response.output_item.added" && !type.endsWith(".delta")
      );
    });
  }
}
