import * as streams from "../../db/streams.ts";
import type { Visibility } from "../../model/caller.ts";
import { isAway } from "../../platform/errors.ts";
import { feedOf } from "../../run/stream/feed.ts";
import { follow } from "./follow.ts";
import { followStream } from "./follow-stream.ts";
import type { ResponseRecord } from "./record.ts";
import type { Sent } from "./sse.ts";

/**
 * A job's events: of its stream, where it was submitted streaming and has not ended long ago; else made of what is known of the
 * job, item by item.
 * @param after the last number that the reader has
 */
export async function* eventsOf(
  first: ResponseRecord,
  who: Visibility,
  untilAgeMs: number,
  after: number,
): AsyncGenerator<Sent> {
  const hasStream = feedOf(first.id) !== undefined || await isStored(first.id, who, after);
  yield* hasStream
    ? followStream(first, who, untilAgeMs, after)
    : follow(first, who, untilAgeMs, after);
}

/** A stream that cannot be read just now may be there: whoever follows it finds out. */
async function isStored(id: string, who: Visibility, after: number): Promise<boolean> {
  try {
    return await streams.read(id, who, after) !== null;
  } catch (error) {
    if (isAway(error)) return true;
    throw error;
  }
}
