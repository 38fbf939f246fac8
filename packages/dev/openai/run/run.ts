import type { ParsedRequest } from "../request/parse.ts";
import type { InputItem } from "../request/items.ts";
import { draftResponse } from "./draft.ts";
import {
  type EventBody,
  isFinal,
  type OutputItem,
  type ResponseError,
  type WireEvent,
  type WireResponse,
} from "./wire.ts";

/** Why a run was ended from outside. */
export class RunStopped extends Error {}

/**
 * One response in the making: its state, and its events in order for whoever follows.
 * Only the executor writes to it, except for `stop` and `cancel`.
 */
export class Run {
  readonly request: ParsedRequest;
  /** What the model reads: earlier responses' items first, references resolved. */
  readonly input: readonly InputItem[];
  readonly response: WireResponse;
  readonly background: boolean;
  #events: WireEvent[] = [];
  #closed = false;
  #wakers = new Set<() => void>();
  #abort = new AbortController();

  constructor(request: ParsedRequest, input: readonly InputItem[]) {
    this.request = request;
    this.input = input;
    this.response = draftResponse(request);
    this.background = request.background ?? false;
  }

  get id(): string {
    return this.response.id;
  }

  /** Aborted when the run must end now. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get closed(): boolean {
    return this.#closed;
  }

  emit(event: EventBody): void {
    if (this.#closed) return;
    this.#events.push({ ...event, sequence_number: this.#events.length });
    this.#wake();
  }

  /** Emits an event that carries the response as it is at this moment. */
  emitResponse(
    type:
      | "response.created"
      | "response.queued"
      | "response.in_progress"
      | "response.completed"
      | "response.failed"
      | "response.incomplete",
  ): void {
    this.emit({ type, response: structuredClone(this.response) });
  }

  /** Adds an item to the output; it is replaced when it is finished. Returns its index. */
  openItem(item: OutputItem): number {
    const index = this.response.output.push(item) - 1;
    this.emit({ type: "response.output_item.added", output_index: index, item });
    return index;
  }

  /** Changes an item that is under way, without an event. */
  updateItem(index: number, item: OutputItem): void {
    this.response.output[index] = item;
  }

  closeItem(index: number, item: OutputItem): void {
    this.response.output[index] = item;
    this.emit({ type: "response.output_item.done", output_index: index, item });
  }

  /** Gives the response its final status; nothing is emitted after it. */
  finish(
    status: "completed" | "failed" | "incomplete" | "cancelled",
    change: Partial<WireResponse> & { error?: ResponseError } = {},
  ): void {
    if (isFinal(this.response.status)) return;
    Object.assign(this.response, change, { status });
    if (status === "completed") this.response.completed_at = Math.floor(Date.now() / 1000);
    this.#markUnfinished();
    // There is no event for a cancelled response: its streams just end.
    if (status !== "cancelled") this.emitResponse(`response.${status}`);
    this.#close();
  }

  /** Ends the run with no final status: the client of a foreground response is gone. */
  stop(): void {
    this.#close();
    this.#abort.abort(new RunStopped("the client is gone"));
  }

  cancel(): void {
    this.finish("cancelled");
    this.#abort.abort(new RunStopped("cancelled"));
  }

  /** The events after number `after`, as they come; ends with the run. */
  async *follow(after = -1): AsyncGenerator<WireEvent> {
    for (let next = after + 1;; next++) {
      while (this.#events.length <= next && !this.#closed) {
        await new Promise<void>((resolve) => this.#wakers.add(resolve));
      }
      const event = this.#events[next];
      if (event === undefined) return;
      yield event;
    }
  }

  /** Lets go of the events of a foreground response: they can never be asked for again. */
  forgetEvents(): void {
    this.#events = [];
  }

  /** What was under way when the run ended is kept, and says so. */
  #markUnfinished(): void {
    this.response.output = this.response.output.map((item) =>
      (item.type === "mcp_call" || item.type === "message" || item.type === "web_search_call") &&
        (item.status === "in_progress" || item.status === "calling")
        ? { ...item, status: "incomplete" }
        : item
    );
  }

  #close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
  }
}
