/** How a stream ends, beyond the events of its job. */
import type { Visibility } from "../../model/caller.ts";
import { isFinal } from "../../model/status.ts";
import { describe, log } from "../../platform/log.ts";
import { noAnswer } from "./ending.ts";
import { errorEvent } from "./error-event.ts";
import { readRecord, type ResponseRecord, takeAnswer } from "./record.ts";
import { isShown, type Sent } from "./sse.ts";

type Events = AsyncGenerator<Sent>;

/** Events that end a stream with an answer, or already say why there is none. */
const endings = new Set(["response.completed", "response.failed", "error"]);

/**
 * The events of a create that waits for the answer. If there is none (cancelled, needs review), the stream ends with an
 * `error` event, which no library takes for an answer.
 */
export async function* withAnswerOrError(
  events: Events,
  { id }: ResponseRecord,
  who: Visibility,
): Events {
  let last = -1;
  for await (const event of events) {
    if (event && isShown(event)) last = event.shown.at(-1)?.number ?? last;
    else if (event) {
      if (endings.has(event.type)) return yield event;
      if (event.type === "response.incomplete") break;
      last = event.sequence_number;
    }
    yield event;
  }
  const refusal = noAnswer(await readRecord(id, who));
  if (!refusal) return;
  const { code, message, type, response_id } = refusal.toBody().error;
  yield {
    ...errorEvent({ code, message, type, responseId: response_id }),
    sequence_number: last + 1,
  };
}

/**
 * The events of a retrieve, unchanged. At their end the answer counts as read, as after any other retrieve: its reader knows the
 * response's id, so if the end did not arrive, it retrieves again instead of asking again.
 */
export async function* takenAtEnd(
  events: Events,
  { id }: ResponseRecord,
  who: Visibility,
): Events {
  yield* events;
  try {
    const record = await readRecord(id, who);
    if (isFinal(record)) await takeAnswer(record, who);
  } catch (error) {
    log.warn("cannot record that an answer was streamed", { job_id: id, error: describe(error) });
  }
}
