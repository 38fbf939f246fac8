import { type RequestErrorCode, requestErrors } from "../model/refusals.ts";

export interface ErrorOptions {
  /** What to do about it, one sentence. */
  hint: string;
  cause?: unknown;
  /** The place in the request, in the form of OpenAI's `param`: `input[0].content[1]`. */
  param?: string;
  /** Seconds after which a repeat makes sense; sent as Retry-After. */
  retryAfterS?: number;
  /** The allowed methods; sent as Allow. */
  allow?: string;
  /** The job that it is about, if the caller does not know it yet; sent as `job_id`. */
  jobId?: string;
  /** True if no answer came, so that the request may have been carried out. */
  unanswered?: boolean;
}

/** An error that a caller may see: a stable code, its HTTP status, what failed and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;
  readonly hint: string;
  readonly param: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly allow: string | undefined;
  readonly jobId: string | undefined;
  readonly unanswered: boolean;

  constructor(readonly code: RequestErrorCode, message: string, options: ErrorOptions) {
    super(message, { cause: options.cause });
    this.status = requestErrors[code];
    this.hint = options.hint;
    this.param = options.param;
    this.retryAfterS = options.retryAfterS;
    this.allow = options.allow;
    this.jobId = options.jobId;
    this.unanswered = options.unanswered ?? false;
  }

  /** The body of every refusal: `{error: {code, message, hint, job_id?}}`. */
  toBody(): { error: { code: string; message: string; hint: string; job_id?: string } } {
    return {
      error: {
        code: this.code,
        message: this.message,
        hint: this.hint,
        ...(this.jobId !== undefined && { job_id: this.jobId }),
      },
    };
  }
}

/** True if the database cannot be used now, or not by this version: the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof RequestError &&
    (error.code === "database_unavailable" || isMismatch(error));
}

/** True if functions and migrations have different versions: nothing can be written until the deployment is complete. */
export function isMismatch(error: unknown): boolean {
  return error instanceof RequestError && error.code === "schema_mismatch";
}

/** True for a failure that is not the request's: of the database, or of what is between. It may not happen again. */
export function isServerError(error: unknown): boolean {
  return error instanceof RequestError && error.status >= 500;
}

/** True for a write that came too late: the job is no longer at that attempt. */
export function isStale(error: unknown): boolean {
  return error instanceof RequestError && error.code === "stale_attempt";
}
