import { hangUp } from "../../mcp/listen.ts";
import type { StreamFault } from "../faults/select.ts";
import type { Run } from "../run/run.ts";
import type { World } from "../world.ts";
import type { ApiContext } from "./context.ts";
import { eventStream } from "./sse.ts";

/**
 * Answers with the events of a run after number `after`. When the stream of a foreground run is cut,
 * by the client or by a fault, the run is stopped: it cannot be resumed.
 */
export function streamRun(
  context: ApiContext,
  world: World,
  run: Run,
  options: { after: number; fault: StreamFault | undefined },
): Response {
  world.openStreams += 1;
  const record = context.get("record");
  const body = eventStream({
    events: run.follow(options.after),
    fault: options.fault,
    obfuscate: run.request.stream_options?.include_obfuscation ?? true,
    hangUp: () => hangUp(context.env),
    onEnd: (cut) => {
      world.openStreams -= 1;
      record.aborted = cut;
      if (run.background) return;
      if (cut) run.stop();
      run.forgetEvents();
    },
  });
  return context.body(body, 200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
}
