import * as streams from "../../db/streams.ts";
import type { Visibility } from "../../model/caller.ts";
import { isFinalOrPaused } from "../../model/status.ts";
import { isServerError } from "../../platform/errors.ts";
import { workerAgeMs } from "../../platform/runtime.ts";
import { type Feed, feedOf } from "../../run/stream/feed.ts";
import { readShownEvent, type ShownEvent } from "../../run/stream/shown-event.ts";
import { Bell } from "./bell.ts";
import { outOfTime, voidCall } from "./cut-short.ts";
import { beginning, endOf, restOf } from "./follow.ts";
import { answeredCalls, idOfHandedOut } from "./handed-out.ts";
import { knownIds, outputOf } from "./output.ts";
import { LookTimes } from "./look-times.ts";
import { readRecord, type ResponseRecord } from "./record.ts";
import { ShownItems } from "./shown-items.ts";
import type { Sent } from "./sse.ts";

/** Longest wait for a run in this isolate before the stream shows that it is alive, in ms. */
const aliveMs = 5_000;
/** Events that a run shows within this time are sent together, in ms. Nobody sees updates that are more frequent. */
const togetherMs = 10;

/**
 * The events of a job that was submitted streaming, from `after` on: those that its runs have shown, then those that they
 * show. Events of a run in this isolate arrive at once. Events of other runs are read from the table, more often while
 * something is being written.
 *
 * Ends as `follow` does.
 */
export async function* followStream(
  first: ResponseRecord,
  who: Visibility,
  untilAgeMs: number,
  after: number,
): AsyncGenerator<Sent> {
  for (const [sequence_number, event] of beginning(first).entries()) {
    yield { ...event, sequence_number };
  }
  const answered = answeredCalls(first).map((call) => idOfHandedOut(first, call));
  const items = new ShownItems(new Set([...answered, ...knownIds(first)]));
  let next = 2;
  // Events that the reader already has are read too: the end of the stream depends on what was shown.
  const unseen = (events: ShownEvent[]) => {
    next = (events.at(-1)?.number ?? next - 1) + 1;
    return items.take(events, after);
  };
  const bell = new Bell();
  const times = new LookTimes();
  let record = first;
  let feed: Feed | undefined;
  try {
    for (;;) {
      const left = untilAgeMs - workerAgeMs();
      if (left <= times.next) {
        const last = Math.max(next - 1, after);
        return yield { ...outOfTime(first, last), sequence_number: last + 1 };
      }
      // A run that has ended may still have events that could not be written.
      feed = feedOf(first.id) ?? feed;
      bell.hear(feed);
      const heard = feed?.from(next);
      if (heard !== undefined && (heard.length > 0 || !feed?.ended)) {
        const shown = unseen(heard);
        yield shown.length > 0 ? { shown } : undefined;
        if (items.isVoid) break;
        await bell.wait(Math.min(aliveMs, left), togetherMs);
        continue;
      }
      const read = await look(first.id, who, next - 1);
      const events = read?.events ?? [];
      const shown = unseen(events);
      if (shown.length > 0) yield { shown };
      if (items.isVoid) break;
      if (events.length > 0) {
        // There may be more events than one read returns. A job that is over needs no wait.
        if (read?.isAll && !isFinalOrPaused(read)) await bell.wait(times.found(), 0);
        continue;
      }
      // An attempt starts above what was written before it, and nothing is written below any more.
      if (read && feed?.first !== undefined && !feed.ended && feed.first > next) {
        next = feed.first;
        continue;
      }
      if (read === null || read !== undefined && isFinalOrPaused(read)) {
        const now = await readRecord(first.id, who, { answered: first.answered_number }).catch(
          (error: unknown) => {
            if (!isServerError(error)) throw error;
            return undefined;
          },
        );
        record = now ?? record;
        if (now && isFinalOrPaused(now)) break;
      }
      yield undefined;
      await bell.wait(times.missed(read?.status === "running"), 0);
    }
  } finally {
    bell.leave();
  }
  if (items.isVoid) {
    const last = Math.max(next - 1, after);
    return yield { ...voidCall(first, last), sequence_number: last + 1 };
  }
  for (const event of [...items.end(outputOf(record)), ...restOf(record, items)]) {
    yield { ...event, sequence_number: next++ };
  }
  yield* endOf(record, next, after);
}

/**
 * Reads the stored part of a stream.
 * @returns null if the stream was deleted; undefined if it cannot be read at the moment
 */
async function look(id: string, who: Visibility, after: number) {
  try {
    const read = await streams.read(id, who, after);
    if (read === null) return null;
    const events = read.batches.flatMap(({ first, events }) =>
      events.split("\n").map((line, index) => readShownEvent(line, first + index))
    );
    return {
      status: read.status,
      events: events.filter(({ number }) => number > after),
      isAll: read.batches.length < streams.batchesAtOnce,
    };
  } catch (error) {
    // The database may be back before the stream's time is up. The job continues meanwhile.
    if (isServerError(error)) return undefined;
    throw error;
  }
}
