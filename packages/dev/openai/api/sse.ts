import type { StreamFault } from "../faults/select.ts";
import type { WireEvent } from "../run/wire.ts";

/** Deltas are padded to this length, so that their size tells nothing: OpenAI's `obfuscation`. */
const paddedDelta = 16;
const paddingChars = "aZ3kQ9xW1mT7bR5c";
const defaultBreakAfter = 3;
const terminal = new Set(["response.completed", "response.failed", "response.incomplete"]);

export interface StreamSource {
  events: AsyncGenerator<WireEvent>;
  fault: StreamFault | undefined;
  obfuscate: boolean;
  /** Called when the stream is over, with whether it ended before the run did. */
  onEnd: (cut: boolean) => void;
  /** Drops the connection. */
  hangUp: () => void;
}

/** The events of a run as a body of server-sent events, broken where a fault says so. */
export function eventStream(source: StreamSource): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const breakpoint = new Breakpoint(source.fault);
  let over = false;
  const end = (cut: boolean) => {
    if (!over) source.onEnd(cut);
    over = true;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { fault } = source;
      if (fault !== undefined && breakpoint.reached) {
        end(true);
        return await breakStream(fault, breakpoint.count, controller, source.hangUp);
      }
      const next = await source.events.next();
      if (next.done === true) {
        end(false);
        return controller.close();
      }
      if (
        fault?.kind === "clean-end" && breakpoint.untilTerminal && terminal.has(next.value.type)
      ) {
        end(true);
        return controller.close();
      }
      breakpoint.pass(next.value);
      controller.enqueue(encoder.encode(encodeEvent(next.value, source.obfuscate)));
    },
    async cancel() {
      end(true);
      await source.events.return(undefined);
    },
    // Nothing is produced ahead, so that at a break everything before it has been written.
  }, { highWaterMark: 0 });
}

function encodeEvent(event: WireEvent, obfuscate: boolean): string {
  const { type, sequence_number, ...rest } = event;
  const padding = obfuscate && "delta" in event && typeof event.delta === "string"
    ? { obfuscation: paddingChars.slice(0, Math.max(0, paddedDelta - event.delta.length)) }
    : {};
  const data = JSON.stringify({ type, sequence_number, ...rest, ...padding });
  return `event: ${type}\ndata: ${data}\n\n`;
}

/** Counts events until the place at which a fault strikes. */
class Breakpoint {
  count = 0;
  reached: boolean;
  readonly untilTerminal: boolean;
  readonly #fault: StreamFault | undefined;
  #seen = 0;

  constructor(fault: StreamFault | undefined) {
    this.#fault = fault;
    this.untilTerminal = fault?.afterEvents === undefined && fault?.afterType === undefined;
    this.reached = fault?.afterEvents === 0;
  }

  pass(event: WireEvent): void {
    this.count += 1;
    const fault = this.#fault;
    if (fault === undefined) return;
    if (fault.afterType !== undefined) {
      if (event.type === fault.afterType) this.#seen += 1;
      this.reached = this.#seen >= (fault.nth ?? 1);
    } else if (fault.kind !== "clean-end" || !this.untilTerminal) {
      this.reached = this.count >= (fault.afterEvents ?? defaultBreakAfter);
    }
  }
}

async function breakStream(
  fault: StreamFault,
  count: number,
  controller: ReadableStreamDefaultController<Uint8Array>,
  hangUp: () => void,
): Promise<void> {
  const encoder = new TextEncoder();
  switch (fault.kind) {
    case "cut-mid-stream":
      return hangUp();
    case "clean-end":
      return controller.close();
    case "stall":
      // Silent until the client gives up or the stand-in stops.
      return await new Promise<never>(() => {});
    case "garbage":
      controller.enqueue(
        encoder.encode('event: response.output_text.delta\ndata: {"type":"response.outp\n\n<html>'),
      );
      return controller.close();
    case "error-event": {
      const data = JSON.stringify({
        type: "error",
        sequence_number: count,
        code: fault.code ?? "server_error",
        message: fault.message ?? "The server had an error while processing your request.",
        param: null,
      });
      controller.enqueue(encoder.encode(`event: error\ndata: ${data}\n\n`));
      return controller.close();
    }
  }
}
