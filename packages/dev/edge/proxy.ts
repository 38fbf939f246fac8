/** Hands a request to a server on this machine and its response back; the response is never buffered. */
import { proxy } from "hono/proxy";

/** The same request for another origin (`http://127.0.0.1:port`), with further headers. */
export async function forward(
  request: Request,
  origin: string,
  { signal = request.signal, client, headers = {} }: {
    signal?: AbortSignal;
    client: Deno.HttpClient;
    headers?: Record<string, string>;
  },
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  return await proxy(new URL(pathname + search, origin), {
    raw: request,
    body: await bodyToSend(request),
    redirect: "manual",
    signal,
    customFetch(sent) {
      sent.headers.delete("host");
      for (const [name, value] of Object.entries(headers)) sent.headers.set(name, value);
      return fetch(sent, { client });
    },
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
