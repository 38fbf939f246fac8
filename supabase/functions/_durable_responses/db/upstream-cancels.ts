/** The SQL functions about responses at OpenAI that no job waits for: supabase/schemas/36_upstream_cancels.sql. */
import type { Failure } from "../model/failure.ts";
import { type Upstream, upstreamSchema } from "../model/job.ts";
import * as z from "../model/zod.ts";
import { callStoring as call } from "./call-storing.ts";
import { masked } from "./sanitize.ts";

export const claimPendingCancels = (limit: number) =>
  call("claim_pending_cancels", { p_limit: limit }, z.array(upstreamSchema));
/** @param unseen whether OpenAI has no such response, so that nobody has seen it end */
export const confirmCancel = ({ job_id, attempt, response_id }: Upstream, unseen: boolean) =>
  call("confirm_upstream_cancel", {
    p_job_id: job_id,
    p_attempt: attempt,
    p_response_id: response_id,
    ...(unseen ? { p_unseen: true } : {}),
  }, z.null());
export const recordCancelFailure = (upstream: Upstream, failure: Failure) =>
  call("record_upstream_cancel_failure", {
    p_job_id: upstream.job_id,
    p_attempt: upstream.attempt,
    p_response_id: upstream.response_id,
    p_error: masked(failure.message),
    p_after_ms: failure.retryAfterMs ?? null,
  }, z.null());
