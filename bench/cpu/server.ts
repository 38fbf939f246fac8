/** Answers each POST with the bench's body, streamed in one TCP write per event as OpenAI does. Prints its port. */
import { streamBody } from "./stream.ts";

const encoder = new TextEncoder();
const events = streamBody().split(/(?<=\n\n)/).map((event) => encoder.encode(event));

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) },
  async (request) => {
    await request.body?.cancel();
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const event = events[next++];
        if (event) controller.enqueue(event);
        else controller.close();
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "x-request-id": "req_bench" },
    });
  },
);
