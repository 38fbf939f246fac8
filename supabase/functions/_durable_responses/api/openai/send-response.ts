import { corsHeaders, notCached } from "../http/reply.ts";
import type { Refusal } from "./refusal.ts";

const commonHeaders = {
  ...corsHeaders,
  "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
  "access-control-expose-headers": "x-request-id, retry-after, x-should-retry",
};

/** A JSON answer. */
export function json(body: unknown): Response {
  return Response.json(body, { headers: { ...commonHeaders, ...notCached } });
}

/** A stream of server-sent events. */
export function eventStream(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      ...commonHeaders,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    },
  });
}

/** The answer to a preflight: the SDK in a browser sends headers of its own (`x-stainless-…`), so whatever is asked for is allowed. */
export function preflight(request: Request): Response {
  const asked = request.headers.get("access-control-request-headers");
  return new Response(null, {
    status: 204,
    headers: { ...commonHeaders, ...(asked ? { "access-control-allow-headers": asked } : {}) },
  });
}

/** A refusal as an answer. `x-should-retry` keeps the SDK, which retries 409 and 5xx, from doing harm. */
export function refused(refusal: Refusal): Response {
  const { retry = false, retryAfterS, allow } = refusal.details;
  return Response.json(refusal.toBody(), {
    status: refusal.status,
    headers: {
      ...commonHeaders,
      ...notCached,
      "x-should-retry": String(retry),
      ...(allow === undefined ? {} : { allow }),
      ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
    },
  });
}
