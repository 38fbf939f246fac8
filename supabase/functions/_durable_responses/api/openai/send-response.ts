import { corsHeaders, notCached } from "../http/reply.ts";
import { ownerHeader } from "../http/identify-caller.ts";
import type { Refusal } from "./refusal.ts";

const commonHeaders = {
  ...corsHeaders,
  "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
  "access-control-expose-headers":
    "x-request-id, x-response-id, x-response-joined, retry-after, x-should-retry",
};

/** A JSON answer. */
export function json(body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { headers: { ...commonHeaders, ...notCached, ...headers } });
}

/** A stream of server-sent events. */
export function eventStream(
  body: ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    headers: {
      ...commonHeaders,
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    },
  });
}

/**
 * The answer to a preflight request. In a browser, the SDK sends its own headers (`x-stainless-…`), so all requested headers
 * are allowed, except the one for acting for somebody else.
 */
export function preflight(request: Request): Response {
  const asked = request.headers.get("access-control-request-headers")?.split(",")
    .map((name) => name.trim()).filter((name) => name.toLowerCase() !== ownerHeader).join(", ");
  return new Response(null, {
    status: 204,
    headers: { ...commonHeaders, ...(asked ? { "access-control-allow-headers": asked } : {}) },
  });
}

/** A refusal as an answer. `x-should-retry` keeps the SDK, which retries 409 and 5xx, from doing harm. */
export function refused(refusal: Refusal, headers: Record<string, string> = {}): Response {
  const { retry = false, retryAfterS, allow, responseId } = refusal.details;
  return Response.json(refusal.toBody(), {
    status: refusal.status,
    headers: {
      ...commonHeaders,
      ...notCached,
      ...headers,
      "x-should-retry": String(retry),
      ...(responseId === undefined ? {} : { "x-response-id": responseId }),
      ...(allow === undefined ? {} : { allow }),
      ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
    },
  });
}
