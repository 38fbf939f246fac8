/** Which items a stream has shown to its reader. */
import { type Item, itemSchema } from "../../model/items.ts";
import { isLeftCall } from "../../model/left-calls.ts";
import * as z from "../../model/zod.ts";
import type { EventBody, ShownEvent } from "../../run/stream/shown-event.ts";
import { itemEvents } from "../../run/stream/item-events.ts";

const partEvent = z.object({
  output_index: z.int(),
  content_index: z.optional(z.int()),
  summary_index: z.optional(z.int()),
});
const itemEvent = z.object({ output_index: z.int(), item: itemSchema });

interface Open {
  index: number;
  item: Item;
  /** Whether this connection sent the reader its beginning, and not an earlier one. */
  isNew: boolean;
}

/**
 * Follows a stream's items. Only the events that start and end an item are parsed.
 *
 * The stream contains a call for the caller from when it is written, without an end. The next attempt ends it, after the call
 * was answered or if it was never handed out. Readers who come after that do not get the call, and the indexes of the other
 * items are counted without it.
 */
export class ShownItems {
  readonly #ids = new Set<unknown>();
  readonly #whole: Item[] = [];
  readonly #open = new Map<unknown, Open>();
  /** Parts of items that have begun: a second beginning would be a second part to the reader. */
  readonly #parts = new Set<string>();
  /** Indexes of the items that are left out. */
  readonly #leftOut = new Set<number>();
  #isVoid = false;

  /** @param answered ids of the calls that are answered, and of what the reader had before it answered */
  constructor(private readonly answered: ReadonlySet<unknown>) {}

  get ids(): ReadonlySet<unknown> {
    return this.#ids;
  }

  /** The items that were shown from their beginning to their end. */
  get whole(): readonly Item[] {
    return this.#whole;
  }

  /** Whether the reader has seen the beginning of a call that must not be made any more. */
  get isVoid(): boolean {
    return this.#isVoid;
  }

  /**
   * Takes the next events, and returns those that the reader is sent.
   * @param after the last number that the reader has; events up to it are only noted
   */
  take(events: ShownEvent[], after: number): ShownEvent[] {
    const ended = new Set(events.flatMap((event) => endOfCall(event) ?? []));
    return events.flatMap((event) => {
      const isShown = this.#note(event, ended, event.number > after);
      return isShown && event.number > after ? [this.#placed(event)] : [];
    });
  }

  #note(event: ShownEvent, ended: ReadonlySet<number>, isNew: boolean): boolean {
    const { type, json } = event;
    if (type.endsWith("_part.added")) {
      this.#parts.add(partOf(type, partEvent.parse(JSON.parse(json))));
    }
    const begins = type === "response.output_item.added";
    if (!begins && type !== "response.output_item.done") {
      return this.#leftOut.size === 0 || !this.#leftOut.has(indexOf(event));
    }
    const { output_index: index, item } = itemEvent.parse(JSON.parse(json));
    if (this.#leftOut.has(index)) return false;
    const id = item["id"];
    if (begins && this.answered.has(id)) {
      this.#leftOut.add(index);
      return false;
    }
    if (isLeftCall(item)) {
      if (!begins) {
        this.#isVoid ||= this.#open.get(id)?.isNew ?? false;
        this.#open.delete(id);
        return false;
      }
      if (ended.has(index)) {
        this.#leftOut.add(index);
        return false;
      }
    }
    this.#ids.add(id);
    if (begins) {
      this.#open.set(id, { index, item, isNew });
    } else {
      this.#open.delete(id);
      this.#whole.push(item);
    }
    return true;
  }

  /** Counts the event's index without the items that are left out: older helpers of the openai SDK allow no gap. */
  #placed(event: ShownEvent): ShownEvent {
    if (this.#leftOut.size === 0) return event;
    const index = indexOf(event);
    const before = this.#leftOutBefore(index);
    if (before === 0) return event;
    const json = event.json.replace(indexField, `"output_index":${index - before}`);
    return { ...event, json };
  }

  /**
   * The events that close what is open in a stream that will not continue: with the item of the answer, or as incomplete if
   * the answer does not have it. A call that the answer does not have must not be made, so it is not closed.
   */
  end(answer: readonly Item[]): EventBody[] {
    return [...this.#open].flatMap(([id, { index, item }]) => {
      const known = answer.find((one) => one["id"] === id);
      if (known === undefined && isLeftCall(item)) return [];
      const whole = known ?? { ...item, status: "incomplete" };
      return itemEvents(whole, index - this.#leftOutBefore(index))
        .filter((event) => this.#isMissing(event, index));
    });
  }

  #leftOutBefore(index: number): number {
    return [...this.#leftOut].filter((other) => other < index).length;
  }

  /** Whether the reader of an open item still needs an event of the whole one, to close it. */
  #isMissing(event: EventBody, output_index: number): boolean {
    const { type } = event;
    return type.endsWith("_part.added")
      ? !this.#parts.has(partOf(type, { ...partEvent.parse(event), output_index }))
      : type !== "response.output_item.added" && !type.endsWith(".delta");
  }
}

/** Which part of which item an event begins. */
function partOf(
  type: string,
  { output_index, content_index, summary_index }: z.infer<typeof partEvent>,
): string {
  return `${type} ${output_index} ${content_index ?? summary_index}`;
}

/** The event's own index. Everything before it in an event is ours and cannot contain this. */
const indexField = /"output_index":(\d+)/;

function indexOf({ json }: ShownEvent): number {
  return Number(indexField.exec(json)?.[1] ?? -1);
}

function endOfCall({ type, json }: ShownEvent): number | undefined {
  if (type !== "response.output_item.done" || !json.includes('_call"')) return undefined;
  const { output_index, item } = itemEvent.parse(JSON.parse(json));
  return isLeftCall(item) ? output_index : undefined;
}
