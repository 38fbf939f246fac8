/**
 * How a request may be refused: our codes with their HTTP status, the SQLSTATEs with which the database refuses, and those of
 * Postgres's own SQLSTATEs that are not refusals but conflicts that a repeat resolves. docs/errors.md lists every code, and a
 * test compares the two.
 */

/** What went wrong with a request to one of our functions: code → HTTP status. */
export const requestErrors = {
  invalid_request: 400,
  invalid_json: 400,
  file_not_found: 400,
  unknown_profile: 400,
  stored_prompt: 400,
  job_deleted: 400,
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
  decision_mismatch: 409,
  idempotency_key_reused: 409,
  owner_deleted: 410,
  payload_too_large: 413,
  too_many_jobs: 429,
  internal_error: 500,
  acceptance_unknown: 503,
  not_configured: 500,
  invalid_profile: 500,
  secret_not_set: 500,
  database_unavailable: 503,
  schema_mismatch: 503,
  storage_unavailable: 503,
  overloaded: 503,
} as const;

export type RequestErrorCode = keyof typeof requestErrors;

/**
 * Errors that may go away if the same request is sent again. For all others, somebody must first fix the request, the profile
 * or the project.
 */
export const mayPass: ReadonlySet<RequestErrorCode> = new Set([
  "body_timeout",
  "too_many_jobs",
  "internal_error",
  "acceptance_unknown",
  "database_unavailable",
  "schema_mismatch",
  "overloaded",
  "storage_unavailable",
]);

/** The SQLSTATEs that our SQL functions raise, each with its request error. */
export const sqlstates: Readonly<Record<string, RequestErrorCode>> = {
  DR400: "invalid_request",
  DR404: "job_not_found",
  DR409: "invalid_state",
  DR410: "stale_attempt",
  DR411: "owner_deleted",
  DR412: "decision_mismatch",
  DR413: "payload_too_large",
  DR414: "job_deleted",
  DR422: "idempotency_key_reused",
  DR424: "file_not_found",
  DR426: "schema_mismatch",
  DR429: "too_many_jobs",
  DR500: "not_configured",
};

/**
 * The whole transaction was rolled back because of a conflict with another one, so a repeat is always safe: a broken
 * deadlock, or a serialization failure.
 */
export const repeatableSqlstates: ReadonlySet<string> = new Set(["40P01", "40001"]);
