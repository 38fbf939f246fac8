import { canonicalOfValue } from "../../model/canonical.ts";
import type { Visibility } from "../../model/caller.ts";
import { isFinalOrPaused } from "../../model/status.ts";
import { isServerError } from "../../platform/errors.ts";
import { workerAgeMs } from "../../platform/runtime.ts";
import type { EventBody } from "../../run/stream/shown-event.ts";
import { itemEvents } from "../../run/stream/item-events.ts";
import { outOfTime } from "./cut-short.ts";
import type { Item } from "../../model/items.ts";
import { callItems, earlierItems, knownIds, type OutputItem, outputItems } from "./output.ts";
import { readRecord, type ResponseRecord } from "./record.ts";
import { toResponse } from "./response.ts";
import type { ShownItems } from "./shown-items.ts";

const firstLookMs = 150;
/** A read costs about 3 ms of the 2 s of CPU that a worker has, and it may keep several streams open. */
const slowestLookMs = 2_000;

/** A stream event. `undefined` means that a read found nothing new. */
export type StreamEvent = (EventBody & { sequence_number: number }) | undefined;

/**
 * The events of a job from its beginning, up to now and then as it proceeds. An event always has the same number: finished
 * tool calls come in the order in which they finished, then, when the job has settled, the rest of its output. Anything that
 * a run may still take back (a call in progress, text before the end) is not an event. What stood before the last answered
 * question comes first. Who has given that answer does not get it again, but it has numbers: they may read on with retrieve.
 *
 * Ends with the terminal event, or without one if the job was cancelled (as at OpenAI).
 * @param untilAgeMs the worker's age at which the stream must end; it then ends with an `error` event
 * @param after the last number that the reader has
 */
export async function* follow(
  first: ResponseRecord,
  who: Visibility,
  untilAgeMs: number,
  after: number,
): AsyncGenerator<StreamEvent> {
  let number = 0;
  const numbered = (event: EventBody) => ({ ...event, sequence_number: number++ });
  for (const event of beginning(first)) yield numbered(event);

  const calls: ResponseRecord["calls"] = [];
  const known = knownIds(first);
  const answered = first.answered_number;
  /** Ids of the items that have numbers, and how many of them were sent: not those that the reader had before. */
  const counted = new Set<unknown>();
  let sent = 0;
  const events = function* (item: Item) {
    if (counted.has(item["id"])) return;
    counted.add(item["id"]);
    const all = itemEvents(item, sent);
    if (known.has(item["id"])) number += all.length;
    else {
      sent++;
      for (const event of all) yield numbered(event);
    }
  };
  for (const { item } of earlierItems(first)) yield* events(item);
  let record = first;
  for (let pause = firstLookMs;; pause = Math.min(pause * 1.5, slowestLookMs)) {
    for (const { item } of callItems(record)) {
      yield* events(item);
      pause = firstLookMs;
    }
    calls.push(...record.calls);
    if (isFinalOrPaused(record)) break;
    if (workerAgeMs() + pause >= untilAgeMs) return yield numbered(outOfTime(first, number - 1));
    yield undefined;
    await new Promise((resolve) => setTimeout(resolve, pause));
    record = await readRecord(first.id, who, { after: calls.length, answered }).catch(
      (error: unknown) => {
        // The database may be back before the stream's time is up. The job continues meanwhile.
        if (!isServerError(error)) throw error;
        return { ...record, calls: [] };
      },
    );
  }
  const whole = { ...record, calls };
  // Anything but a finished tool call is known only when the job has settled.
  for (const { item } of outputItems({ ...whole, answered_number: null })) yield* events(item);
  yield* endOf(whole, number, after);
}

/** The beginning of every stream. */
export function beginning(record: ResponseRecord): EventBody[] {
  const response = { ...toResponse(record), ...notOver };
  return [{ type: "response.created", response }, { type: "response.in_progress", response }];
}

/**
 * The items of a settled job that were not shown earlier. A request that still waits comes only once, with the response that
 * made it: a library would show it to the person twice. Where an API gives its items no ids, repeats them, or changes them at the end,
 * an item is known by what it contains.
 */
export function restOf(record: ResponseRecord, { ids, whole }: ShownItems): EventBody[] {
  const known = knownIds(record);
  const isNew = ({ item: { id } }: OutputItem) => !ids.has(id) && !known.has(id);
  const output = outputItems(record);
  const rest = output.filter(isNew).map(({ item }) => item);
  const kept = new Set(output.map(({ item }) => item["id"]));
  const lost = rest.length === 0 ? [] : whole.filter(({ id }) => !kept.has(id)).map(contentOf);
  return rest.filter((item) => {
    const at = lost.indexOf(contentOf(item));
    if (at >= 0) lost.splice(at, 1);
    return at < 0;
  }).flatMap((item, index) => itemEvents(item, ids.size + index));
}

/** What an item contains, besides its id and how far it is. */
function contentOf(item: Item): string {
  return canonicalOfValue({ ...item, id: undefined, status: undefined });
}

/**
 * The end of a stream.
 * @param number of the terminal event, unless the reader has had this number: it came from a stream that has been deleted, or the
 * reader has the end and gets it again
 */
export function* endOf(
  record: ResponseRecord,
  number: number,
  after: number,
): Generator<NonNullable<StreamEvent>> {
  const response = toResponse(record);
  if (response.status === "cancelled") return;
  const sequence_number = after >= number ? after + 1 : number;
  yield { type: `response.${response.status}`, sequence_number, response };
}

const notOver = {
  status: "in_progress",
  completed_at: null,
  error: null,
  incomplete_details: null,
  output: [],
  usage: null,
};
