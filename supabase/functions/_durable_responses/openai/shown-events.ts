/** How much of one response its events have shown so far: nothing may be taken for refused that has begun to act. */
import { type Item, readItem } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import type { FinishedItems } from "./finished-items.ts";
import { idOf } from "./same-item.ts";

type Event = Record<string, unknown>;

/** Events that only say that the response is there. */
const beginnings: ReadonlySet<string> = new Set([
  "response.created",
  "response.queued",
  "response.in_progress",
]);

/** Events that have a whole item. */
const itemEvents: ReadonlySet<string> = new Set([
  "response.output_item.added",
  "response.output_item.done",
]);

/** Items that come before a call may be made, and their events. */
const preparation = /^(?:response\.)?(?:mcp_list_tools|reasoning)/;
/** The same, and what the model says. */
const words =
  /^(?:response\.)?(?:mcp_list_tools|reasoning|compaction|message|refusal|output_text|text|content_part|audio)/;
const ofCall = /^response\.mcp_call/;
/** Events about items that are surely not the call of an MCP server. Some servers do not say that such an item has started. */
const ofOtherItems = new RegExp(
  `${words.source}|^response\\.(?:mcp_approval|(?:web_search|file_search|custom_tool|shell|apply_patch)_call|function_call|code_interpreter|image_generation)`,
);
const eventName = /^event: ?(\S+)/;
const placeIn = /"output_index": ?(\d+)/;
const idIn = /"item_id": ?"([^"]*)"/;

/** What an event was about that the stream has not shown. */
interface Unshown {
  at: unknown;
  id: unknown;
}

export class ShownEvents {
  #hasBegun = false;
  #hasActed = false;
  #isOnlyWords = true;
  #unshown: Unshown[] = [];

  /** Whether any event of a response has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether there was anything of an item that is more than preparation. */
  get hasActed(): boolean {
    return this.#hasActed;
  }

  /** Whether there was nothing of an item that does something, or whose kind nobody knows. */
  get isOnlyWords(): boolean {
    return this.#isOnlyWords;
  }

  /** Whether events were about an item that may be a call, and whose start and end the stream has not shown. */
  get isPartial(): boolean {
    return this.#unshown.length > 0;
  }

  constructor(private readonly items: FinishedItems) {}

  add(event: Event): void {
    const { type, item, output_index: at, item_id: id } = event;
    const name = typeof type === "string" ? type : "";
    const ofResponse = name.startsWith("response.");
    this.#hasBegun ||= ofResponse;
    for (const [place, one] of outputIn(event).entries()) {
      this.#note(one.type);
      if (!words.test(one.type)) this.#look({ at: place, id: idOf(one) }, one.type);
    }
    if (itemEvents.has(name) && isRecord(item)) return this.#note(readItem(item).type);
    const isAbout = isAboutItem(event);
    if (!isAbout && !ofResponse || beginnings.has(name)) return;
    this.#note(name);
    if (ofCall.test(name) || isAbout && !ofOtherItems.test(name)) this.#look({ at, id }, name);
  }

  /** Adds a delta, which nobody parses. */
  addDelta(block: string): void {
    const name = eventName.exec(block)?.[1] ?? "";
    this.#hasBegun = true;
    this.#note(name);
    if (!ofCall.test(name)) return;
    const at = placeIn.exec(block)?.[1];
    this.#look({ at: at === undefined ? undefined : Number(at), id: idIn.exec(block)?.[1] }, name);
  }

  /** An item has been shown as it ended. */
  finish(item: Item, at: unknown): void {
    const id = idOf(item);
    this.#note(item.type);
    this.#unshown = this.#unshown.filter((one) =>
      !(id !== "" && one.id === id || item.type === "mcp_call" && one.at === at)
    );
  }

  /** @param type of an item, or of an event about one */
  #note(type: string): void {
    this.#hasActed ||= !preparation.test(type);
    this.#isOnlyWords &&= words.test(type);
  }

  /** An event of a call is about a call that was shown, or about one that was not. */
  #look(one: Unshown, type: string): void {
    const isCall = /call|tool/.test(type);
    if (!this.items.has(one.at, one.id, isCall)) this.#unshown.push(one);
  }
}

/** An event about one item's error is not an error of the response. */
export function isAboutItem(event: Event): boolean {
  return "item" in event || "item_id" in event || "output_index" in event;
}

/** What an event, or an error, says that the response has done so far. */
export function outputIn({ response, output }: Event): Item[] {
  const soFar = isRecord(response) ? response["output"] : output;
  return Array.isArray(soFar) ? soFar.map(readItem) : [];
}
