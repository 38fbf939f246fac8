import { type RequestErrorCode, requestErrors } from "../model/refusals.ts";

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
    this.status = requestErrors[code];
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

/** True when the database cannot be used now, or not by this version: the same call may go well later. */
export function isAway(error: unknown): boolean {
  return error instanceof RequestError &&
    (error.code === "database_unavailable" || error.code === "schema_mismatch");
}

/** True for a write that came too late: the job is no longer at that attempt. */
export function isStale(error: unknown): boolean {
  return error instanceof RequestError && error.code === "stale_attempt";
}
