import type { Job } from "../../model/job.ts";
import { isFinal } from "../../model/status.ts";
import { RequestError } from "../../platform/errors.ts";
import { describe, log } from "../../platform/log.ts";
import { redact } from "../../platform/redact.ts";

/** Any site may call: the token decides who may do what, never the origin. */
export const corsHeaders: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers":
    "authorization, x-client-info, apikey, content-type, idempotency-key, prefer",
  "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
  "access-control-expose-headers": "location, retry-after, sb-request-id, x-request-id",
  "access-control-max-age": "86400",
};

/** An answer belongs to one caller. */
export const notCached: Readonly<Record<string, string>> = { "cache-control": "no-store" };

/** A JSON answer with CORS headers. */
export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  return Response.json(body, { status, headers: { ...corsHeaders, ...notCached, ...headers } });
}

/** An isolate runs one function, and an adopter may have renamed `respond`. */
let functionName = "respond";

/** Learns the name of this function: the first part of the path of every request. */
export function nameFunction({ url }: Request): void {
  functionName = new URL(url).pathname.split("/")[1] || functionName;
}

/** The path at which a caller finds a job. */
export function pathOfJob(id: string): string {
  return `/functions/v1/${functionName}/${id}`;
}

/** A job: 200 if there is nothing more to wait for, otherwise 202 and where to look. */
export function replyWithJob(job: Job): Response {
  return isFinal(job) ? json(200, job) : json(202, job, { location: pathOfJob(job.id) });
}

/** The answer to a preflight request. */
export function preflight(): Response {
  return new Response(null, { status: 204, headers: corsHeaders });
}

/** Turns whatever a handler threw into `{error: {code, message, hint}}`. An unexpected error is a 500 without details. */
export function refuse(error: unknown): Response {
  const known = error instanceof RequestError ? error : undefined;
  if (known === undefined || known.status >= 500) {
    log.error("request failed", { error: describe(error), code: known?.code });
  }
  const refusal = known ??
    new RequestError(
      "internal_error",
      "Cannot answer the request: internal error",
      {
        hint: "Try again. If it happens again, check the function's logs",
        cause: error,
      },
    );
  const { code, status, allow, retryAfterS, jobId } = refusal;
  const { error: { message, hint, ...rest } } = refusal.toBody();
  return json(
    status,
    {
      error: {
        ...rest,
        message: redact(message),
        hint: redact(hint),
      },
    },
    {
      ...(allow === undefined ? {} : { allow }),
      ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
      ...(jobId === undefined || code === "job_deleted" ? {} : { location: pathOfJob(jobId) }),
    },
  );
}

/** Wraps a handler so that it always answers. */
export function answering(
  handler: (request: Request) => Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      return refuse(error);
    }
  };
}
