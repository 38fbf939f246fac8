/**
 * The one place where refusals get their code, HTTP status and hint; failures of a run have theirs in failures.ts.
 * docs/errors.md lists every code, and a test holds the two together.
 */

/** What went wrong with a request to one of our functions: code → HTTP status. */
export const REQUEST_ERRORS = {
  invalid_request: 400,
  invalid_json: 400,
  unknown_profile: 400,
  stored_prompt: 400,
  missing_token: 401,
  invalid_token: 401,
  invalid_signature: 401,
  invalid_worker_secret: 401,
  secret_key_required: 403,
  job_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  body_timeout: 408,
  invalid_state: 409,
  stale_attempt: 409,
  idempotency_key_reused: 409,
  payload_too_large: 413,
  too_many_jobs: 429,
  internal_error: 500,
  not_configured: 500,
  secret_not_set: 500,
  database_unavailable: 503,
  schema_mismatch: 503,
} as const;

export type RequestErrorCode = keyof typeof REQUEST_ERRORS;

/** The SQLSTATEs of supabase/migrations, each with the request error it becomes. */
export const SQLSTATES: Readonly<Record<string, RequestErrorCode>> = {
  DR400: "invalid_request",
  DR404: "job_not_found",
  DR409: "invalid_state",
  DR410: "stale_attempt",
  DR422: "idempotency_key_reused",
  DR426: "schema_mismatch",
  DR429: "too_many_jobs",
  DR500: "not_configured",
};

export interface ErrorOptions {
  /** What to do about it, one sentence. */
  hint?: string;
  cause?: unknown;
  /** Seconds after which a repeat makes sense; sent as Retry-After. */
  retryAfterS?: number;
  /** The methods that would have been right; sent as Allow. */
  allow?: string;
}

/** An error that a caller may see: a stable code, its HTTP status, what failed and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;
  readonly hint: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly allow: string | undefined;

  constructor(readonly code: RequestErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = REQUEST_ERRORS[code];
    this.hint = options.hint;
    this.retryAfterS = options.retryAfterS;
    this.allow = options.allow;
  }

  /** The body of every refusal: `{error: {code, message, hint?}}`. */
  toBody(): { error: { code: string; message: string; hint?: string } } {
    const error = { code: this.code, message: this.message };
    return { error: this.hint === undefined ? error : { ...error, hint: this.hint } };
  }
}

/** True when the database cannot be reached now: the same call may go well later. */
export function isAway(error: unknown): boolean {
  return error instanceof RequestError && error.code === "database_unavailable";
}

/** True for a write that came too late: the job is no longer at that attempt. */
export function isStale(error: unknown): boolean {
  return error instanceof RequestError && error.code === "stale_attempt";
}
