/** From the events of a stream, or from one whole answer, to how a request ended. */
import type { Failure } from "../model/failure.ts";
import { type Item, readItem } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import type { AttemptKey } from "../model/job.ts";
import { errorIn } from "../model/reported-error.ts";
import {
  isFinalUpstream,
  isResponse,
  nameOf,
  parseUpstreamResponse,
  type Streamed,
  type UpstreamResponse,
} from "../model/upstream-response.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { refuseOther } from "./background.ts";
import { classifyStreamError } from "./classify.ts";
import { FinishedItems, type Place } from "./finished-items.ts";
import { FinishedTexts } from "./finished-texts.ts";
import { isRefusal, mayBeGivenUp } from "./refusal.ts";
import { isAboutItem, ShownEvents } from "./shown-events.ts";

export interface ItemHooks {
  /** The attempt whose response it must be, as far as its metadata say. */
  key: AttemptKey;
  /** An item has started; a call's arguments are not there yet. */
  onItemStarted: (item: Item, place: Place) => void;
  /** A call's arguments are complete and the tool is about to be called. May abort the run. */
  onArguments: (place: Place, args: string) => void;
  /** An item has finished. May abort the run, unless `last`: the boundary between items is the time to stop. */
  onItem: (item: Item, place: Place, last?: boolean) => void;
}

export type Ending =
  | {
    kind: "done";
    response: UpstreamResponse;
    streamed: Streamed;
  }
  | {
    kind: "failed";
    failure: Failure;
    /**
     * The outcome of the request. `refused`: nothing of it was carried out, so it may be sent in another form. `over`: nothing
     * runs there any more, but something may have been done. `refused_or_over`: one of the two. `unknown`: it may continue unseen.
     */
    request: "refused" | "over" | "refused_or_over" | "unknown";
  };

const endings: ReadonlyMap<string, UpstreamResponse["status"]> = new Map([
  ["response.completed", "completed"],
  ["response.done", "completed"],
  ["response.failed", "failed"],
  ["response.incomplete", "incomplete"],
  ["response.cancelled", "cancelled"],
]);

/** Reads the answer to one request. Unknown events and items are skipped. */
export class RunReader {
  readonly #items = new FinishedItems();
  readonly #shown = new ShownEvents();
  readonly #texts = new FinishedTexts();

  /** Whether any event of a response has come. */
  get hasBegun(): boolean {
    return this.#shown.hasBegun;
  }

  constructor(private readonly hooks: ItemHooks, private readonly headers?: Headers) {}

  /**
   * @returns how the request ended, if this event says so
   * @throws UnreadableAnswer for another response: a cache may answer with what somebody else has asked
   */
  read(event: unknown): Ending | undefined {
    if (isResponse(event)) return this.#end(event, undefined);
    if (!isRecord(event)) return undefined;
    const wrapped = responseWithin(event);
    if (wrapped !== undefined) return this.#end(wrapped, undefined);
    const { type, item } = event;
    if (isRecord(event["response"])) this.#refuseOther(event["response"]);
    const status = typeof type === "string" ? endings.get(type) : undefined;
    if (status !== undefined) {
      const { response, error } = event;
      return this.#end(isRecord(response) ? response : { error }, status);
    }
    const told = isAboutItem(event) ? null : errorIn(event);
    if (told !== null) {
      this.#shown.addOutput(event);
      const failure = classifyStreamError(told, this.headers);
      return { kind: "failed", failure, request: this.#afterError(type, failure) };
    }
    this.#shown.add(event);
    if (type === "response.output_item.added" && isRecord(item)) {
      const begun = readItem(item);
      this.#texts.begin(event["output_index"], begun);
      this.hooks.onItemStarted(begun, this.#items.begin(event["output_index"], begun));
    } else if (type === "response.output_item.done" && isRecord(item)) {
      const finished = readItem(item);
      const place = this.#items.finish(event["output_index"], finished);
      if (place) this.hooks.onItem(finished, place);
    } else if (type === "response.mcp_call_arguments.done") {
      this.#readArguments(event);
    } else {
      this.#texts.take(event);
    }
    return undefined;
  }

  /**
   * What an error says about the request, as long as nothing but preparation was shown: it was refused, or nothing runs any more,
   * if those are OpenAI's own words in a stream that has begun. A gateway that gives up says nothing about the run that it gave up
   * on; and a model that is asked after a call says in the same words that the call's output is too long.
   */
  #afterError(type: unknown, failure: Failure): "refused" | "over" | "unknown" {
    if (this.#shown.isTouched) return "unknown";
    if (isRefusal(failure)) return "refused";
    return this.hasBegun && type === "error" && !mayBeGivenUp(failure) ? "over" : "unknown";
  }

  /** A delta, which nobody parses, is a sign of an item. */
  addDelta(block: string): void {
    this.#shown.addDelta(block);
  }

  #placeOf(at: unknown, id: unknown): Place | undefined {
    return this.#items.find(at, typeof id === "string" ? id : "");
  }

  #readArguments(event: Record<string, unknown>): void {
    const { arguments: args, output_index: at, item_id: id } = event;
    const place = this.#placeOf(at, id);
    if (place === undefined || args === undefined || args === null) return;
    this.hooks.onArguments(place, typeof args === "string" ? args : JSON.stringify(args));
  }

  #refuseOther({ id, metadata }: Record<string, unknown>): void {
    const response = parseUpstreamResponse({ status: "in_progress", id, metadata });
    const { id: jobId, attempt } = this.hooks.key;
    refuseOther(response, { jobId, attempts: [attempt], others: [] }, response.id);
  }

  /** A response without a status has the status of its event. */
  #end(
    raw: Record<string, unknown>,
    told: UpstreamResponse["status"] | undefined,
  ): Ending {
    this.#refuseOther(raw);
    const whole = told === undefined ? raw : { ...raw, status: statusOf(raw, told) };
    const { response: ended, late } = this.#items.complete(parseUpstreamResponse(whole));
    for (const [item, place] of late) this.hooks.onItem(item, place, true);
    const { response, told: texts } = this.#texts.complete(ended);
    for (const [at, item] of texts) {
      const place = this.#items.finish(at, item);
      if (place) this.hooks.onItem(item, place, true);
    }
    if (isFinalUpstream(response)) {
      return { kind: "done", response, streamed: this.#shown.endWith(response.output) };
    }
    const still = `Cannot use ${nameOf(response)}: it is still ${response.status}`;
    return { kind: "failed", failure: makeFailure("stream_cut", still), request: "unknown" };
  }
}

/** A whole response that a gateway has put into an object of its own. */
function responseWithin({ type, response, data }: Record<string, unknown>) {
  const inner = response ?? data;
  return type === undefined && isResponse(inner) && isFinalUpstream(parseUpstreamResponse(inner))
    ? inner
    : undefined;
}

function statusOf({ status: given }: Record<string, unknown>, told: string): string {
  if (typeof given !== "string") return told;
  return isFinalUpstream(parseUpstreamResponse({ status: given })) ? given : told;
}
