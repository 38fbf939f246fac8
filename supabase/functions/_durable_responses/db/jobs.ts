/** The SQL functions of a job, one function each; in the order of its life. */
import type { Visibility } from "../model/caller.ts";
import type { Failure } from "../model/failure.ts";
import {
  type AttemptKey,
  claimSchema,
  jobSchema,
  upstreamSchema,
  watchSchema,
  workSchema,
} from "../model/job.ts";
import type { ApprovalAnswer, Step } from "../model/step.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import * as z from "../model/zod.ts";
import { callStoring as call } from "./call-storing.ts";
import { masked } from "./sanitize.ts";
import { schemaMajor } from "./schema-version.ts";
import type { Submission } from "./submission.ts";

/** The worker that would run a job as soon as it may. Durations in ms. */
export interface Lease {
  worker: string;
  leaseMs: number;
  /** What is left of its life, and its whole life. */
  lifeMs: number;
  fullLifeMs: number;
}

const created = z.lazy(() => z.object({ created: z.boolean(), job: jobSchema }));
const submitted = z.object({
  created: z.boolean(),
  job: jobSchema,
  /** Whether this is the job of an earlier, identical question. */
  joined: z._default(z.boolean(), false),
  /** Whether its background runs are guarded. Means nothing for a repeat. */
  guarded: z._default(z.boolean(), false),
  /** The work that is leased to the submitter, to run in place. */
  work: z._default(z.nullable(workSchema), null),
});
const continuedInPlace = z.lazy(() => z.object({ job: jobSchema, work: z.nullable(workSchema) }));
const known = z.lazy(() =>
  z.object({
    known: z.boolean(),
    work: z.nullable(workSchema),
    abandoned: z.nullable(upstreamSchema),
    /** The id that its attempt has instead. */
    other: z.nullish(z.string()),
  })
);
const keyArgs = ({ id, attempt }: AttemptKey) => ({ p_job_id: id, p_attempt: attempt });

const leaseArgs = ({ worker, leaseMs, lifeMs }: Lease) => ({
  p_worker: worker,
  p_lease_ms: leaseMs,
  p_life_ms: lifeMs,
});

/** A failure in the form that the SQL functions take. */
function errorOf(failure: Failure): Record<string, string> {
  const { code, message, hint, type, status, requestId } = failure;
  return masked({
    code,
    message,
    hint,
    ...(type ? { type } : {}),
    ...(status ? { status: String(status) } : {}),
    ...(requestId ? { request_id: requestId } : {}),
  });
}

/** A result in the form that the SQL functions take. */
function storedResult({ response, output, parsed, requestId, steps }: Result) {
  return {
    output: masked(output),
    output_text: masked(response.outputText),
    output_parsed: masked(parsed ?? null),
    usage: response.usage ?? null,
    request_id: requestId,
    steps: masked(steps),
  };
}

// Callers
/** @param lease the worker that runs it at once, if the rules of a claim allow it */
export const submit = (submission: Submission, lease?: Lease) => {
  const p_job = { schema_major: schemaMajor, ...submission };
  if (lease === undefined) return call("submit_response_job", { p_job }, submitted);
  return call("start_response_job", {
    p_job,
    ...leaseArgs(lease),
    p_full_life_ms: lease.fullLifeMs,
  }, submitted);
};
export const get = (id: string, who: Visibility) =>
  call("get_response_job", { p_job_id: id, ...who }, jobSchema);
/** From now on, the same request of this owner is a new job. */
export const takeAnswer = (id: string, ownerId: string) =>
  call("take_response_answer", { p_job_id: id, p_owner_id: ownerId }, z.null());
export const cancel = (id: string, who: Visibility) =>
  call(
    "cancel_response_job",
    { p_job_id: id, ...who },
    z.object({ job: jobSchema, upstream: z.nullable(upstreamSchema) }),
  );
/** Which of the waiting calls a decision is about: what `waiting` showed of it. */
export interface Seen {
  request_id?: string | undefined;
  digest?: string | undefined;
}
const seenArgs = ({ request_id, digest }: Seen) => ({
  p_request_id: request_id ?? null,
  p_digest: digest ?? null,
});
export const resolve = (
  id: string,
  who: Visibility,
  resolution: Seen & { outcome: string; output?: string | undefined },
) =>
  call("resolve_response_job", {
    p_job_id: id,
    ...who,
    p_outcome: resolution.outcome,
    p_output: resolution.output ?? null,
    ...seenArgs(resolution),
  }, jobSchema);
export const remove = (id: string, who: Visibility) =>
  call(
    "delete_response_job",
    { p_job_id: id, ...who },
    z.object({ id: z.uuid(), deleted: z.boolean() }),
  );
export const retry = (id: string, who: Visibility) =>
  call("retry_response_job", { p_job_id: id, ...who }, created);

// Background
export const recordBackground = (
  key: AttemptKey,
  responseId: string,
  requestId: string | null,
  pollMs: number,
) =>
  call("record_background_response", {
    ...keyArgs(key),
    p_response_id: responseId,
    p_request_id: requestId,
    p_poll_ms: pollMs,
  }, z.object({ upstream: z.nullable(upstreamSchema), job: jobSchema }));
export const claimBackgroundJob = (responseId: string) =>
  call(
    "claim_background_job",
    { p_response_id: responseId, p_schema_major: schemaMajor },
    known,
  );
/** Whether an id is that of a response of another attempt, of this job or of another one. */
export const isOfAnother = (key: AttemptKey, responseId: string) =>
  call("is_response_of_another", { ...keyArgs(key), p_response_id: responseId }, z.boolean());
/** @param insteadOf the id that the attempt has, if it is not that of its response */
export const adoptBackground = (key: AttemptKey, responseId: string, insteadOf?: string) =>
  call("adopt_background_response", {
    ...keyArgs(key),
    p_response_id: responseId,
    ...(insteadOf === undefined ? {} : { p_instead_of: insteadOf }),
  }, known);
/**
 * The response of a webhook cannot be read now.
 * @param isUnknown whether OpenAI says that there is none
 * @returns whether it is asked for again, because it may be a job's
 */
export const keepUnreadWebhook = (responseId: string, isUnknown: boolean) =>
  call(
    "keep_unread_webhook",
    { p_response_id: responseId, p_is_unknown: isUnknown },
    z.boolean(),
  );
export const forgetUnreadWebhook = (responseId: string) =>
  call("forget_unread_webhook", { p_response_id: responseId }, z.null());
export const claimPolls = (limit: number) =>
  call(
    "claim_background_polls",
    { p_limit: limit },
    z.object({ work: z.array(workSchema), webhooks: z.array(z.string()) }),
  );
/**
 * @param left.unknown a background run may exist about which nothing is known, not even its id
 * @param left.running its response may still run, and must be cancelled
 */
export const fallBack = (
  key: AttemptKey,
  failure: Failure,
  steps: Step[] = [],
  left: { unknown?: boolean; running?: boolean } = {},
) =>
  call("fall_back_response_job", {
    ...keyArgs(key),
    p_error: errorOf(failure),
    p_retry_after_ms: failure.retryAfterMs ?? 0,
    p_steps: masked(steps),
    p_unknown: left.unknown ?? false,
    p_cancel_upstream: left.running ?? false,
  }, jobSchema);
const continuedArgs = (
  key: AttemptKey,
  response: UpstreamResponse,
  steps: Step[],
  answers: ReadonlyMap<string, ApprovalAnswer>,
) => ({
  ...keyArgs(key),
  p_response_id: response.id,
  p_steps: masked(steps),
  p_answers: Object.fromEntries(answers),
  p_usage: response.usage,
});
/** The response asked before calls that need no person: a worker sends the answers. */
export const continueJob = (...continued: Parameters<typeof continuedArgs>) =>
  call("continue_response_job", continuedArgs(...continued), jobSchema);
/** The same, and the lease's worker sends them at once, if the rules of a claim allow it. */
export const continueInPlace = (
  lease: Lease,
  ...continued: Parameters<typeof continuedArgs>
) =>
  call("continue_response_job_in_place", {
    ...continuedArgs(...continued),
    ...leaseArgs(lease),
  }, continuedInPlace);
/** @param responseId null if OpenAI's answer could not be read */
export const continueInBackground = (
  key: AttemptKey,
  responseId: string | null,
  requestId: string | null,
  pollMs: number,
) =>
  call("continue_in_background", {
    ...keyArgs(key),
    p_response_id: responseId,
    p_request_id: requestId,
    p_poll_ms: pollMs,
  }, z.object({ orphaned: z.boolean(), job: jobSchema }));
export const recordBackgroundFailure = (key: AttemptKey, failure: Failure) =>
  call("record_background_failure", { ...keyArgs(key), p_error: errorOf(failure) }, z.null());
export const recordIgnoredApproval = (key: AttemptKey, detail: string) =>
  call("record_ignored_approval", { ...keyArgs(key), p_detail: masked(detail) }, z.null());
/**
 * @param hasFailed whether its response has failed, and only what it did is not known
 * @returns how often it could not be settled; null if the attempt has ended
 */
export const recordSettleFailure = (
  key: AttemptKey,
  failure: Failure,
  afterMs: number | null,
  hasFailed: boolean,
) =>
  call("record_settle_failure", {
    ...keyArgs(key),
    p_error: masked(`${failure.code}: ${failure.message}`),
    p_after_ms: afterMs,
    p_failed_code: hasFailed ? failure.code : null,
  }, z.nullable(z.int()));
export const claimPendingCancels = (limit: number) =>
  call("claim_pending_cancels", { p_limit: limit }, z.array(upstreamSchema));
export const confirmCancel = ({ job_id, attempt }: z.infer<typeof upstreamSchema>) =>
  call("confirm_upstream_cancel", { p_job_id: job_id, p_attempt: attempt }, z.null());
export const recordCancelFailure = (upstream: z.infer<typeof upstreamSchema>, failure: Failure) =>
  call("record_upstream_cancel_failure", {
    p_job_id: upstream.job_id,
    p_attempt: upstream.attempt,
    p_response_id: upstream.response_id,
    p_error: masked(failure.message),
    p_after_ms: failure.retryAfterMs ?? null,
  }, z.null());

// Either mode
export interface Result {
  response: UpstreamResponse;
  /** The output of earlier runs, then that of this one. */
  output: Record<string, unknown>[];
  parsed: unknown;
  requestId: string | null;
  steps: Step[];
}
export const complete = (key: AttemptKey, result: Result) => {
  const { output, output_text, output_parsed, usage, request_id, steps } = storedResult(result);
  return call("complete_response_job", {
    ...keyArgs(key),
    p_response_id: result.response.id,
    p_output: output,
    p_output_text: output_text,
    p_output_parsed: output_parsed,
    p_usage: usage,
    p_request_id: request_id,
    p_steps: steps,
  }, jobSchema);
};
/**
 * Writes several results in one call.
 * @returns the jobs that accepted their result; for the others, the attempt had ended
 */
export const completeMany = (results: [AttemptKey, Result][]) =>
  call("complete_response_jobs", {
    p_results: results.map(([{ id, attempt }, result]) => ({
      job_id: id,
      attempt,
      response_id: result.response.id,
      ...storedResult(result),
    })),
  }, z.array(z.uuid()));
/**
 * Somebody outside is asked: a person for a yes, or the caller for the output of a call.
 * @param answers to the requests that need no person
 */
export const suspend = (
  key: AttemptKey,
  response: Pick<UpstreamResponse, "id" | "usage"> | null,
  steps: Step[],
  answers: ReadonlyMap<string, ApprovalAnswer> = new Map(),
) =>
  call("suspend_response_job", {
    ...keyArgs(key),
    p_response_id: response?.id ?? null,
    p_steps: masked(steps),
    p_usage: response?.usage ?? null,
    p_answers: Object.fromEntries(answers),
  }, jobSchema);
export const fail = (
  key: AttemptKey,
  failure: Failure,
  steps: Step[] = [],
  cancelUpstream = false,
) =>
  call("fail_response_job", {
    ...keyArgs(key),
    p_error: errorOf(failure),
    p_cancel_upstream: cancelUpstream,
    p_steps: masked(steps),
  }, jobSchema);

// Synchronous
export interface Claimant {
  worker: string;
  kind: "edge" | "process";
  /** What is left of its life, and its whole life, in ms; null for a worker without a wall clock. */
  lifeMs: number | null;
  fullLifeMs: number | null;
  /** The owner that it served last. */
  afterOwner: string;
  /**
   * The profiles that it has, by name, each with the time after which its `was_made` is first asked, in ms, or null without
   * one. null if it has already registered them.
   */
  profiles: Readonly<Record<string, number | null>> | null;
}
export const claim = (by: Claimant, limit: number, leaseMs: number) =>
  call("claim_response_work", {
    p_worker: by.worker,
    p_kind: by.kind,
    p_limit: limit,
    p_lease_ms: leaseMs,
    p_life_ms: by.lifeMs,
    p_full_life_ms: by.fullLifeMs,
    p_after_owner: by.afterOwner,
    p_schema_major: schemaMajor,
    p_profiles: by.profiles && Object.keys(by.profiles),
    p_was_made: by.profiles ?? {},
  }, claimSchema);
export const renew = (worker: string, jobs: AttemptKey[], leaseMs: number) =>
  call(
    "renew_response_leases",
    { p_worker: worker, p_jobs: jobs, p_lease_ms: leaseMs },
    z.array(z.uuid()),
  );
export const watched = (ids: string[]) =>
  call("watched_response_jobs", { p_job_ids: ids }, z.array(watchSchema));
export const warn = (key: AttemptKey, warning: string) =>
  call("warn_response_attempt", { ...keyArgs(key), p_warning: masked(warning) }, z.null());
export const retryLater = (key: AttemptKey, failure: Failure) =>
  call("retry_response_later", {
    ...keyArgs(key),
    p_error: errorOf(failure),
    p_retry_after_ms: failure.retryAfterMs ?? null,
  }, jobSchema);
/** Nobody knows whether a call was made, or the model insists on one that was: a person decides. */
export const holdForReview = (key: AttemptKey, failure: Failure, steps: Step[] = []) =>
  call("quarantine_response_job", {
    ...keyArgs(key),
    p_error: errorOf(failure),
    p_steps: masked(steps),
  }, jobSchema);
export const release = (
  worker: string,
  jobs: (AttemptKey & { full_life: boolean })[],
  fullLifeMs: number | null,
) =>
  call(
    "release_response_jobs",
    { p_worker: worker, p_jobs: jobs, p_full_life_ms: fullLifeMs },
    z.number(),
  );
/** @returns whether work is left for a successor */
export const signOff = (worker: string) =>
  call("sign_off_response_worker", { p_worker: worker }, z.boolean());
