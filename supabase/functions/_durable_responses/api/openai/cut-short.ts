/** How a stream ends before its response does. The response continues, and the stream can be resumed. */
import { responseIdOf } from "../../model/ids.ts";
import type { EventBody } from "../../run/stream/shown-event.ts";
import { errorEvent } from "./error-event.ts";
import type { ResponseRecord } from "./record.ts";

/** @param last the number of the last event */
export function outOfTime(record: ResponseRecord, last: number): EventBody {
  return cutShort(record, last, "Cannot stream any longer: the function's time is up");
}

/** The reader has seen the beginning of a call that must not be made: its run was lost, or somebody else has answered it. */
export function voidCall(record: ResponseRecord, last: number): EventBody {
  return cutShort(
    record,
    last,
    "Cannot finish a function call that was being written: it must not be made any more",
  );
}

function cutShort({ id }: ResponseRecord, last: number, why: string): EventBody {
  const responseId = responseIdOf(id);
  return errorEvent({
    code: "response_in_progress",
    message:
      `${why}, and response ${responseId} continues. Retrieve it with stream: true and starting_after: ${last}`,
    responseId,
  });
}
