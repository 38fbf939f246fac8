import { responseIdOf } from "../../model/ids.ts";
import { isUnavailable } from "../../platform/errors.ts";
import type { ShownEvent } from "../../run/stream/shown-event.ts";
import { errorEvent } from "./error-event.ts";
import type { StreamEvent } from "./follow.ts";
import { toRefusal } from "./refusal.ts";

/** How often a silent stream shows that it is alive, in ms: proxies close silent connections. */
const keepAliveMs = 15_000;

/** Stored events of a stream that are sent unchanged, all of them after what the reader has. */
export interface ShownEvents {
  shown: ShownEvent[];
}

/** The pieces of a stream. */
export type Sent = StreamEvent | ShownEvents;

/**
 * Turns events into a body of server-sent events, only as fast as they are read.
 * @param after leaves out events up to this number
 * @param id the job, which is accepted: an error of the stream is not an error of the job
 */
export function sseBody(
  events: AsyncGenerator<Sent>,
  after: number,
  id: string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last = after;
  let written = performance.now();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        while (true) {
          const { done, value } = await events.next();
          if (done) return controller.close();
          const text = value === undefined
            ? keepAlive()
            : isShown(value)
            ? asShown(value)
            : encode(value);
          if (text === undefined) continue;
          written = performance.now();
          return controller.enqueue(encoder.encode(text));
        }
      } catch (error) {
        controller.enqueue(encoder.encode(frame("error", {
          ...errorEvent(brokenOff(error, id, last)),
          sequence_number: last + 1,
        })));
        controller.close();
      }
    },
    async cancel() {
      await events.return(undefined);
    },
  }, { highWaterMark: 0 });

  function asShown({ shown }: ShownEvents): string {
    last = shown.at(-1)?.number ?? last;
    return shown.map(({ type, json }) => `event: ${type}\ndata: ${json}\n\n`).join("");
  }

  function encode(event: NonNullable<StreamEvent>): string | undefined {
    if (event.sequence_number <= after) return undefined;
    last = event.sequence_number;
    const { type, sequence_number, ...rest } = event;
    return frame(type, { type, sequence_number, ...rest });
  }

  function keepAlive(): string | undefined {
    return performance.now() - written < keepAliveMs ? undefined : ": keep-alive\n\n";
  }
}

/** What a stream's end says if reading the job failed. The job itself is accepted, and nothing has happened to it. */
function brokenOff(error: unknown, id: string, last: number) {
  const refusal = toRefusal(error, true);
  const { code, message, type } = refusal.toBody().error;
  const responseId = responseIdOf(id);
  if (refusal.status < 500) return { code, message, type, responseId };
  const why = isUnavailable(error) ? "the database does not answer" : "it cannot be read now";
  const from = last < 0 ? "" : ` and starting_after: ${last}`;
  return {
    code: isUnavailable(error) ? code : "response_in_progress",
    message:
      `Cannot stream any longer: ${why}, and response ${responseId} continues. Retrieve it with stream: true${from}`,
    type,
    responseId,
  };
}

/** Whether a piece contains events that are sent unchanged. */
export function isShown(value: NonNullable<Sent>): value is ShownEvents {
  return Array.isArray(value["shown"]);
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
