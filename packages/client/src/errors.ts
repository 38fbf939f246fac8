/** The one place where failures become errors. docs/client.md has the table. */
import type { Job } from "./types/job.ts";

export interface ErrorDetails {
  /** What to do about it. */
  hint?: string | undefined;
  /** HTTP status; undefined when there was no answer. */
  status?: number | undefined;
  /** For support requests. */
  requestId?: string | undefined;
  /** When a repeat makes sense, according to the server, in ms from now. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Everything that this client throws, except the reason of an aborted signal. */
export class DurableResponsesError extends Error {
  override readonly name: string = "DurableResponsesError";
  readonly status: number | undefined;
  readonly hint: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  /** @param code stable: a code of docs/errors.md or docs/client.md */
  constructor(
    readonly code: string,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.status = details.status;
    this.hint = details.hint;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** A bad argument: nothing was sent. */
export class ArgumentError extends DurableResponsesError {
  override readonly name = "ArgumentError";
  constructor(message: string, hint?: string) {
    super("invalid_argument", message, { hint });
  }
}

/** The server does not accept the request (400, 413, 422). */
export class InvalidRequestError extends DurableResponsesError {
  override readonly name = "InvalidRequestError";
}

/** Nobody is signed in, or the token is no longer valid (401). */
export class AuthenticationError extends DurableResponsesError {
  override readonly name = "AuthenticationError";
}

/** The caller may not do this (403). */
export class PermissionError extends DurableResponsesError {
  override readonly name = "PermissionError";
}

/** The job does not exist, or is not the caller's (404). */
export class NotFoundError extends DurableResponsesError {
  override readonly name = "NotFoundError";
}

/** The job's status, or an idempotency key that was used before, does not allow it (409). */
export class ConflictError extends DurableResponsesError {
  override readonly name = "ConflictError";
}

/** Too many requests (429). */
export class RateLimitError extends DurableResponsesError {
  override readonly name = "RateLimitError";
}

/** The server failed (5xx), or sent an invalid answer. */
export class ServerError extends DurableResponsesError {
  override readonly name = "ServerError";
}

/** No answer came: offline, DNS, CORS, a dropped connection. */
export class ConnectionError extends DurableResponsesError {
  override readonly name = "ConnectionError";
}

/** `result` waited for its `timeout`. The job continues: ask again with its id. */
export class WaitTimeoutError extends DurableResponsesError {
  override readonly name = "WaitTimeoutError";
}

/** The job that `result` waited for failed. `code` and `hint` are the job's. */
export class JobFailedError extends DurableResponsesError {
  override readonly name = "JobFailedError";
  constructor(readonly job: Job) {
    const { code, message, hint } = job.error ?? {
      code: "unknown",
      message: `Cannot use job ${job.id}: it failed`,
    };
    super(code, message, { hint });
  }
}

/** The job that `result` waited for was cancelled. */
export class JobCancelledError extends DurableResponsesError {
  override readonly name = "JobCancelledError";
  constructor(readonly job: Job) {
    super("job_cancelled", `Cannot use job ${job.id}: it was cancelled`);
  }
}

/** The error for an HTTP status; undefined or 0 if there was no answer. */
export function errorFor(
  status: number | undefined,
  code: string,
  message: string,
  details: ErrorDetails = {},
): DurableResponsesError {
  const all = { ...details, status: status || undefined };
  if (!status) return new ConnectionError(code, message, all);
  switch (status) {
    case 401:
      return new AuthenticationError(code, message, all);
    case 403:
      return new PermissionError(code, message, all);
    case 404:
      return new NotFoundError(code, message, all);
    case 409:
      return new ConflictError(code, message, all);
    case 429:
      return new RateLimitError(code, message, all);
    default:
      return status < 500
        ? new InvalidRequestError(code, message, all)
        : new ServerError(code, message, all);
  }
}
