/** Why a run failed: what a job's `error.code`, an attempt's `error_code` or `fallback_reason` may be. */
export const FAILURE_CODES = [
  "background_unsupported",
  "background_stuck",
  "background_unrecorded",
  "background_expired",
  "response_cancelled",
  "response_incomplete",
  "output_invalid",
  "openai_server_error",
  "openai_rate_limited",
  "openai_quota_exceeded",
  "openai_timeout",
  "openai_unreachable",
  "openai_conflict",
  "openai_auth_failed",
  "openai_not_found",
  "openai_invalid_request",
  "openai_policy",
  "mcp_unavailable",
  "stream_cut",
  "stream_stalled",
  "stream_invalid",
  "attempt_timeout",
  "unknown_profile",
  "secret_not_set",
  "stored_prompt",
  "worker_lost",
  "worker_error",
  "deadline_exceeded",
  "budget_exceeded",
  "approval_expired",
  "tool_output_expired",
  "review_expired",
  "repeated_call",
  "call_uncertain",
  "checkpoint_too_large",
  "background_skipped",
  "route_paused",
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/**
 * What a failure means for the job:
 * unsupported: background cannot do this, a synchronous run can; transient: another try may mend it;
 * permanent: no try will; quota: no try will until somebody pays.
 */
export type FailureClass = "unsupported" | "transient" | "permanent" | "quota";

export interface Failure {
  class: FailureClass;
  code: FailureCode;
  /** What failed, in one sentence, credentials masked. */
  message: string;
  /** What to do about it. */
  hint: string;
  /** OpenAI's own code or type. */
  type?: string;
  /** OpenAI's x-request-id. */
  requestId?: string;
  /** How long OpenAI asks to wait, ms. */
  retryAfterMs?: number;
  /** True when OpenAI may have taken the request all the same: no answer is not a no. */
  maybeAccepted?: boolean;
}
