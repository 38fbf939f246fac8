/** Hands a request to a server on this machine and its response back; the response is never buffered. */

/** Headers that belong to one connection, not to the request. */
const connectionHeaders = [
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];

/** The same request for another origin (`http://127.0.0.1:port`) and, if given, another path. */
export async function forward(request: Request, origin: string, options: {
  path?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  client?: Deno.HttpClient;
} = {}): Promise<Response> {
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  for (const name of connectionHeaders) headers.delete(name);
  // fetch would undo a compression and leave headers that speak of it.
  headers.set("accept-encoding", "identity");
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);

  return await fetch(new URL((options.path ?? url.pathname) + url.search, origin), {
    method: request.method,
    headers,
    body: await bodyToSend(request),
    redirect: "manual",
    signal: options.signal ?? request.signal,
    ...(options.client && { client: options.client }),
  });
}

/** A body of known length is sent whole, as fetch takes the length from nothing else. */
async function bodyToSend(request: Request): Promise<BodyInit | null> {
  return request.headers.has("content-length") ? await request.bytes() : request.body;
}

/** The same response, telling when its body has been read to its end, failed, or was given up. */
export function whenRead(response: Response, done: () => void): Response {
  if (!response.body) {
    done();
    return response;
  }
  const reader = response.body.getReader();
  // Settles once, however the body ends; a read can still be under way when the caller gives up.
  reader.closed.then(done, done);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await reader.read();
      if (chunk.done) controller.close();
      else controller.enqueue(chunk.value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(body, response);
}
