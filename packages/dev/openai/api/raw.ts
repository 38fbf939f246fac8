import { hangUp } from "../../mcp/listen.ts";
import type { FaultOf } from "../faults/schema.ts";
import type { ApiContext } from "./context.ts";

/** Answers with what a fault says, byte for byte. @param id of the response that it is about */
export function answerRaw(context: ApiContext, fault: FaultOf<"raw">, id: string): Response {
  const { status = 200, headers = {}, then = "end" } = fault;
  const bytes = fault.bytes === undefined
    ? new TextEncoder().encode(fault.body.replaceAll("{{id}}", id))
    : Uint8Array.from(atob(fault.bytes), (char) => char.charCodeAt(0));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      if (then === "end") controller.close();
    },
    // Asked for more, so what there was has been written.
    pull() {
      if (then === "drop") hangUp(context.env);
      return new Promise<never>(() => {});
    },
  }, { highWaterMark: 0 });
  return new Response(status === 204 || status === 304 ? null : body, { status, headers });
}
