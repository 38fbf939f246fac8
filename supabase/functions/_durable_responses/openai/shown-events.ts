/**
 * Whether the events of a response have shown nothing but preparation: then it is untouched, and an error that ends it came before
 * any call. What is preparation is listed here; everything else, also what nobody knows, may be a sign of a call.
 */
import { type Item, readItem } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import type { Streamed } from "../model/upstream-response.ts";
import { isPreparing } from "../model/what-was-done.ts";

type Event = Record<string, unknown>;

/** Events that only say that the response, or the connection, is there. */
const beginnings: ReadonlySet<unknown> = new Set([
  "response.created",
  "response.queued",
  "response.in_progress",
  "keepalive",
  "ping",
]);
/** Events that have a whole item. */
const itemEvents: ReadonlySet<unknown> = new Set([
  "response.output_item.added",
  "response.output_item.done",
]);
/** Events about items that come before a call may be made. */
const ofPreparation = /^response\.(?:mcp_list_tools|reasoning)[._]/;

const typeInDelta = /"type": ?"([^"]*)"/g;

export class ShownEvents {
  #hasBegun = false;
  #isTouched = false;

  /** Whether any event of a response has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isTouched(): boolean {
    return this.#isTouched;
  }

  add(event: Event): void {
    const { type } = event;
    this.#hasBegun ||= typeof type === "string" && type.startsWith("response.");
    this.#isTouched ||= !isPreparation(event);
    this.addOutput(event);
  }

  /** Adds a delta, which nobody parses. No text can contain its type unescaped. */
  addDelta(block: string): void {
    this.#hasBegun = true;
    if (this.#isTouched) return;
    const types = [...block.matchAll(typeInDelta)].map(([, type = ""]) => type);
    this.#isTouched = types.length === 0 || !types.every((type) => ofPreparation.test(type));
  }

  /** Adds what an event, or an error, says that the response has done so far. */
  addOutput({ response, output }: Event): void {
    const soFar = (isRecord(response) ? response["output"] : output) ?? [];
    this.#isTouched ||= !Array.isArray(soFar) || !soFar.map(readItem).every(isPreparing);
  }

  /** How a response came that ends with this output. */
  endWith(output: readonly Item[]): Streamed {
    if (this.#isTouched) return "touched";
    if (!this.#hasBegun) return "not";
    return output.every(isPreparing) ? "untouched" : "touched";
  }
}

/** Whether an event is about an item: then an error in it is not one of the response. */
export function isAboutItem(event: Event): boolean {
  return "item" in event || "item_id" in event || "output_index" in event;
}

function isPreparation(event: Event): boolean {
  const { type, item } = event;
  if (itemEvents.has(type)) return isRecord(item) && isPreparing(readItem(item));
  if (beginnings.has(type)) return !isAboutItem(event);
  return typeof type === "string" && ofPreparation.test(type) && !("item" in event);
}
