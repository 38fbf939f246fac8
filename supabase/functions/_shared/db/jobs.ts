import { z } from "zod";
import type { Failure } from "../openai/failure.ts";
import type { Outcome } from "../openai/outcome.ts";
import { call } from "./client.ts";
import { jobSchema, upstreamSchema, workSchema } from "./schemas.ts";

/** Which job, at which attempt: what every write names. A write by an attempt that is over is refused. */
export interface Fence {
  id: string;
  attempt: number;
}

/** Whose jobs a caller may touch, as the SQL functions take it. */
export type Visibility = { p_owner_id: string } | { p_as_service: true };

/** What submit_response_job() takes; see its comment in the migration. */
export interface Submission {
  p_profile: string;
  p_input: unknown;
  p_request: Record<string, unknown> | null;
  p_owner_id: string | null;
  p_metadata: Record<string, unknown>;
  p_idempotency_key: string | null;
  p_request_hash: string;
  p_mode: "background" | "synchronous";
  p_accept_ms: number;
  p_background_ms: number;
  p_deadline_ms: number;
  p_max_attempts: number;
  p_backoff_base_ms: number;
  p_backoff_cap_ms: number;
}

const created = z.object({ created: z.boolean(), job: jobSchema });
const known = z.object({ known: z.boolean(), work: workSchema.nullable() });
const fenced = ({ id, attempt }: Fence) => ({ p_job_id: id, p_attempt: attempt });

/** A failure as the SQL functions take it. */
function errorOf(failure: Failure): Record<string, string> {
  const { code, message, hint, type, requestId } = failure;
  return {
    code,
    message,
    hint,
    ...(type ? { type } : {}),
    ...(requestId ? { request_id: requestId } : {}),
  };
}

// Callers
export const submit = (submission: Submission) =>
  call("submit_response_job", { ...submission }, created);
export const get = (id: string, who: Visibility) =>
  call("get_response_job", { p_job_id: id, ...who }, jobSchema);
export const cancel = (id: string, who: Visibility) =>
  call(
    "cancel_response_job",
    { p_job_id: id, ...who },
    z.object({ job: jobSchema, upstream: upstreamSchema.nullable() }),
  );
export const retry = (id: string, who: Visibility) =>
  call("retry_response_job", { p_job_id: id, ...who }, created);

// Background
export const recordBackground = (
  fence: Fence,
  responseId: string,
  requestId: string | null,
  pollMs: number,
) =>
  call("record_background_response", {
    ...fenced(fence),
    p_response_id: responseId,
    p_request_id: requestId,
    p_poll_ms: pollMs,
  }, z.object({ orphaned: z.boolean(), job: jobSchema }));
export const claimBackgroundJob = (responseId: string) =>
  call("claim_background_job", { p_response_id: responseId }, known);
export const adoptBackground = (fence: Fence, responseId: string) =>
  call("adopt_background_response", { ...fenced(fence), p_response_id: responseId }, known);
export const claimPolls = (limit: number) =>
  call("claim_background_polls", { p_limit: limit }, z.array(workSchema));
export const fallBack = (fence: Fence, failure: Failure) =>
  call("fall_back_response_job", {
    ...fenced(fence),
    p_error: errorOf(failure),
    p_retry_after_ms: failure.retryAfterMs ?? 0,
  }, jobSchema);
export const claimPendingCancels = (limit: number) =>
  call("claim_pending_cancels", { p_limit: limit }, z.array(upstreamSchema));
export const confirmCancel = ({ job_id, attempt }: z.infer<typeof upstreamSchema>) =>
  call("confirm_upstream_cancel", { p_job_id: job_id, p_attempt: attempt }, z.null());

// Either mode
export const complete = (
  fence: Fence,
  outcome: Outcome,
  parsed: unknown,
  requestId: string | null,
) =>
  call("complete_response_job", {
    ...fenced(fence),
    p_response_id: outcome.id,
    p_output: outcome.output,
    p_output_text: outcome.outputText,
    p_output_parsed: parsed ?? null,
    p_usage: outcome.usage ?? null,
    p_request_id: requestId,
  }, jobSchema);
export const fail = (fence: Fence, failure: Failure, cancelUpstream = false) =>
  call("fail_response_job", {
    ...fenced(fence),
    p_error: errorOf(failure),
    p_cancel_upstream: cancelUpstream,
  }, jobSchema);

// Synchronous
export const claim = (worker: string, limit: number, leaseMs: number) =>
  call(
    "claim_response_jobs",
    { p_worker: worker, p_limit: limit, p_lease_ms: leaseMs },
    z.array(workSchema),
  );
export const renew = (worker: string, jobs: Fence[], leaseMs: number) =>
  call(
    "renew_response_leases",
    { p_worker: worker, p_jobs: jobs, p_lease_ms: leaseMs },
    z.array(z.uuid()),
  );
export const retryLater = (fence: Fence, failure: Failure) =>
  call("retry_response_later", {
    ...fenced(fence),
    p_error: errorOf(failure),
    p_retry_after_ms: failure.retryAfterMs ?? null,
  }, jobSchema);
export const release = (worker: string, jobs: Fence[]) =>
  call("release_response_jobs", { p_worker: worker, p_jobs: jobs }, z.number());
export const workDue = () => call("response_work_due", {}, z.boolean());
