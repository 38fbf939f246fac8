/** From the events that OpenAI streams to those that callers see. */
import { masked } from "../../db/sanitize.ts";
import { itemIdOf, placeOfUpstreamId } from "../../model/ids.ts";
import { type Item, readItem } from "../../model/items.ts";
import { isLeftCall, leftCallOf } from "../../model/left-calls.ts";
import { isRecord } from "../../model/is-record.ts";
import { dataOf } from "../../openai/events.ts";
import { itemEvents } from "./item-events.ts";
import { OpenItem } from "./open-item.ts";
import { type EventBody, type ShownEvent, shownEvent } from "./shown-event.ts";
import { isPart, type Part, partOf, type Told } from "./told-item.ts";

/**
 * Items between OpenAI and us: the guard's questions, lists of tools, and the outputs of calls, which callers do not see. A
 * question to a person is shown when the run has stopped for it; a call that we made, when it has finished.
 */
const hiddenKinds = new Set([
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "function_call_output",
]);
/** Not shown, because these events are megabytes, and the finished image replaces them. */
const notShown = new Set(["response.image_generation_call.partial_image"]);
/** The only events of a call for the caller that are shown before it is handed out. */
const callPieces = new Set([
  "response.function_call_arguments.delta",
  "response.custom_tool_call_input.delta",
]);
/** Fields of OpenAI's own: the number of an event in another stream, and padding. */
const notPassedOn = new Set(["type", "sequence_number", "obfuscation"]);

export interface ShownRunOptions {
  jobId: string;
  /** The number of the first event, and the place of the first item. */
  next: number;
  items: number;
  /** Whether a call may name the request for approval that gave it its yes: a person's, not the guard's. */
  showsApproval: (requestId: string) => boolean;
  /** Whether the caller makes this call, and sees how it is written. */
  handsOut: (call: Item) => boolean;
  emit: (event: ShownEvent) => void;
}

/**
 * One run's events, however many requests it consists of: each item with an id and a place of ours, numbered, masked like
 * the stored answer. An event about an item that is not open is skipped, so that a reader gets each item's events in order.
 *
 * A call for the caller is shown as it is written, and left open. Libraries make a call as soon as it ends, but until the job
 * waits for its output, another attempt may ask for it again. Readers get its end from the job.
 */
export class ShownRun {
  #next: number;
  #items: number;
  #told: Told[] = [];
  /** Calls for the caller that are completely written. */
  #calls: OpenItem[] = [];
  readonly #ids = new Set<string>();
  readonly #jobId: string;
  readonly #options: ShownRunOptions;

  constructor(options: ShownRunOptions) {
    this.#options = options;
    this.#jobId = options.jobId;
    this.#next = options.next;
    this.#items = options.items;
  }

  /** Number of the next event. */
  get next(): number {
    return this.#next;
  }

  /** How many items have started. */
  get items(): number {
    return this.#items;
  }

  /** Number of the event that started the oldest open item; null if none is open. */
  get openFrom(): number | null {
    const numbers = [...this.#told.flatMap(({ open }) => open ?? []), ...this.#calls]
      .map(({ number }) => number);
    return numbers.length === 0 ? null : Math.min(...numbers);
  }

  /** An event as it was parsed. */
  take(event: unknown): void {
    const type = typeOf(event);
    if (!isRecord(event) || type === undefined) return;
    const { item } = event;
    if (type === "response.output_item.added" && isRecord(item)) this.#begin(event, item);
    else if (type === "response.output_item.done" && isRecord(item)) this.#end(event, item);
    else if (!notShown.has(type)) this.#pass(type, event);
  }

  /** A delta as it came: its `event:` and `data:` lines. */
  takeDelta(block: string): void {
    let event: unknown;
    try {
      event = JSON.parse(dataOf(block) ?? "null");
    } catch (error) {
      // The answer does not come from here: a delta that cannot be read is just not shown.
      if (error instanceof SyntaxError) return;
      throw error;
    }
    const type = typeOf(event);
    if (!isRecord(event) || type === undefined) return;
    const { delta } = event;
    const told = this.#find(event);
    if (told?.open === undefined || isHeldBack(told.open.item, type)) return;
    if (typeof delta !== "string") return this.#tell(told.open, type, masked(event));
    const part = partOf(told, told.open, type, event);
    const shown = part.pieces.add(delta);
    if (shown !== "") this.#write(told.open, part, shown);
  }

  /** Closes what is open as it is: nothing more comes. @param handsOut whether the run stops for the caller's calls */
  endAll(handsOut = false): void {
    for (const told of this.#told) {
      if (told.open === undefined) continue;
      this.#flush(told);
      if (isLeftCall(told.open.item)) this.#calls.push(told.open);
      else for (const event of told.open.incomplete()) this.emit(event);
    }
    this.#told = [];
    if (handsOut) return;
    for (const event of this.#calls.flatMap((call) => call.incomplete())) this.emit(event);
    this.#calls = [];
  }

  emit(event: EventBody): void {
    this.#options.emit(shownEvent(event, this.#next++));
  }

  #begin(event: Record<string, unknown>, raw: Record<string, unknown>): void {
    if (this.#find(event) !== undefined) return;
    const { open } = this.#note(event, readItem(raw));
    if (open === undefined) return;
    this.emit({
      type: "response.output_item.added",
      output_index: open.index,
      item: open.item,
    });
  }

  #note(event: Record<string, unknown>, item: Item): Told {
    const told: Told = {
      index: event["output_index"],
      id: item["id"],
      open: undefined,
      parts: [],
    };
    this.#told.push(told);
    const isCall = isLeftCall(item);
    if (isCall ? !this.#options.handsOut(item) : hiddenKinds.has(item.type)) return told;
    const index = this.#items;
    const id = isCall ? leftCallOf(item)?.callId : item["id"];
    const own = itemIdOf(
      this.#jobId,
      item.type,
      typeof id === "string" && id !== "" ? placeOfUpstreamId(id) : index,
    );
    const isKnown = this.#ids.has(own);
    // If two calls have one call_id, the second is shown only when the job waits for its output.
    if (isCall && isKnown) return told;
    // Some servers have given two items one id. For a reader, each gets its own.
    const given = isKnown ? itemIdOf(this.#jobId, item.type, index) : own;
    this.#items++;
    this.#ids.add(given);
    told.open = new OpenItem(this.#shownItem(item, given), index, this.#next);
    return told;
  }

  #end(event: Record<string, unknown>, raw: Record<string, unknown>): void {
    const item = readItem(raw);
    const known = this.#find({ ...event, item_id: item["id"] });
    const told = known ?? this.#note(event, item);
    this.#told = this.#told.filter((other) => other !== told);
    const { open } = told;
    if (open === undefined) return;
    this.#flush(told);
    const events = itemEvents(this.#shownItem(item, open.id), open.index);
    const isCall = isLeftCall(item);
    // An item that came without pieces is shown in one piece, with its beginning if that did not come either.
    for (const shown of open.isTold ? events.slice(-1) : events.slice(known ? 1 : 0)) {
      if (!isCall || !shown.type.endsWith(".done")) this.emit(shown);
    }
    if (isCall) this.#calls.push(open);
  }

  #pass(type: string, event: Record<string, unknown>): void {
    const told = this.#find(event);
    if (told?.open === undefined) return;
    // The text of a part that was held back comes before the part's end.
    if (type.endsWith(".done")) {
      const delta = `${type.slice(0, -"done".length)}delta`;
      this.#flush(told, (part) => isPart(part, delta, event));
    }
    if (isHeldBack(told.open.item, type)) return;
    this.#tell(told.open, type, masked(event));
  }

  #tell(open: OpenItem, type: string, fields: Record<string, unknown>): void {
    const event: EventBody = { type, item_id: open.id, output_index: open.index };
    for (const [name, value] of Object.entries(fields)) {
      if (!(name in event) && !notPassedOn.has(name)) event[name] = value;
    }
    open.take(event);
    this.emit(event);
  }

  /** Nearly all events of a stream are pieces, so the JSON is written without building an object. */
  #write(open: OpenItem, { type, content_index, summary_index, place }: Part, piece: string): void {
    const delta = piece.toWellFormed();
    open.add(type, content_index ?? summary_index, delta);
    const number = this.#next++;
    // Log probabilities contain the tokens, which would reveal what is masked here.
    const logprobs = type === "response.output_text.delta" ? ',"logprobs":[]' : "";
    this.#options.emit({
      number,
      type,
      json: `{"type":${JSON.stringify(type)},"sequence_number":${number},${place},"delta":${
        JSON.stringify(delta)
      }${logprobs}}`,
    });
  }

  /** Shows what was held back. */
  #flush({ open, parts }: Told, of: (part: Part) => boolean = () => true): void {
    if (open === undefined) return;
    for (const part of parts.filter(of)) {
      const rest = part.pieces.rest();
      if (rest !== "") this.#write(open, part, rest);
    }
  }

  #shownItem(item: Item, id: string): Item {
    const approval = item["approval_request_id"];
    return {
      ...masked(item),
      id,
      ...(typeof approval === "string" && !this.#options.showsApproval(approval)
        ? { approval_request_id: null }
        : {}),
    };
  }

  /** By its place, if the event has one; otherwise by its id. */
  #find(event: Record<string, unknown>): Told | undefined {
    const { output_index: index, item_id: id } = event;
    return typeof index === "number"
      ? this.#told.findLast((told) => told.index === index)
      : this.#told.findLast((told) => told.id === id);
  }
}

/** An event's type, if it is safe in a stream's `event:` line: a line break in it would start another event. */
function typeOf(event: unknown): string | undefined {
  const type = isRecord(event) ? event["type"] : undefined;
  return typeof type === "string" && /^[\w.-]{1,100}$/.test(type) ? type : undefined;
}

/** A call for the caller must not look complete. */
function isHeldBack(item: Item, type: string): boolean {
  return isLeftCall(item) && !callPieces.has(type);
}
