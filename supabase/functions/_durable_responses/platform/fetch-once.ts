/**
 * A fetch that sends a request at most once. If a kept-alive connection is dropped before the answer, Deno's own fetch sends
 * a request with a plain body a second time (tried on 2.9.6): one call to OpenAI would be two runs with two sets of side
 * effects, one submit two jobs. A streamed body cannot be sent again, so it is not.
 */
export function fetchOnce(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  if (typeof init?.body !== "string") return fetch(input, init);
  const bytes = new TextEncoder().encode(init.body);
  // Not a Blob's stream: an isolate's first one costs 4 ms of its cold start.
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  const streamed = { ...init, body, duplex: "half" };
  return fetch(input, streamed);
}
