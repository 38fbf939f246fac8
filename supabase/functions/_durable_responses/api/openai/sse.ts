import { responseIdOf } from "../../model/ids.ts";
import { isAway } from "../../platform/errors.ts";
import type { ShownEvent } from "../../run/stream/shown-event.ts";
import { errorEvent } from "./error-event.ts";
import type { StreamEvent } from "./follow.ts";
import { toRefusal } from "./refusal.ts";

/** How often a stream that has nothing to say shows that it is alive, ms: proxies close silent ones. */
const keepAliveMs = 15_000;

/** Events of a stream that go out as they are, all of them after what the reader has. */
export interface ShownEvents {
  shown: ShownEvent[];
}

/** What a stream is made of, piece by piece. */
export type Sent = StreamEvent | ShownEvents;

/**
 * Events as a body of server-sent events, made only as fast as they are read.
 * @param after events up to this number are left out
 * @param id of the job, which was accepted: an error of the stream is none of the job
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
        const { code, message, type } = toRefusal(error, true).toBody().error;
        const responseId = responseIdOf(id);
        const what = isAway(error)
          ? `Cannot stream any longer: the database does not answer, and response ${responseId} continues. Retrieve it with stream: true and starting_after: ${last}`
          : message;
        controller.enqueue(encoder.encode(frame("error", {
          ...errorEvent({ code, message: what, type, responseId }),
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

/** Whether a piece is one of events that go out as they are. */
export function isShown(value: NonNullable<Sent>): value is ShownEvents {
  return Array.isArray(value["shown"]);
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
