import * as streams from "../../db/streams.ts";
import type { Visibility } from "../../model/caller.ts";
import { isServerError } from "../../platform/errors.ts";
import { feedOf } from "../../run/stream/feed.ts";
import { follow } from "./follow.ts";
import { followStream } from "./follow-stream.ts";
import type { ResponseRecord } from "./record.ts";
import type { Sent } from "./sse.ts";

/**
 * A job's events: from its stream if it was submitted streaming and ended only recently, otherwise made from the job, item
 * by item.
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

/** A stream that cannot be read at the moment may exist: its follower finds out. */
async function isStored(id: string, who: Visibility, after: number): Promise<boolean> {
  try {
    return await streams.read(id, who, after) !== null;
  } catch (error) {
    if (isServerError(error)) return true;
    throw error;
  }
}
