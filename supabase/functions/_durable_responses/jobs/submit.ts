/** From an accepted query to a durable job that is on its way. */
import * as jobs from "../db/jobs.ts";
import type { Submission } from "../db/submission.ts";
import { sendable } from "../files/sendable.ts";
import type { SentFile } from "../files/take-files.ts";
import { type Caller, ownerOf } from "../model/caller.ts";
import { refersToFiles } from "../model/files.ts";
import type { Job, Work } from "../model/job.ts";
import type { RequestBody } from "../model/request.ts";
import type { Guard } from "../model/status.ts";
import { isFinalUpstream } from "../model/upstream-response.ts";
import { type Accepted, createBackground } from "../openai/background.ts";
import { sha256 } from "../platform/digest.ts";
import { isStale, RequestError } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import { afterAnswer, waitUntil } from "../platform/runtime.ts";
import { uuidV7 } from "../platform/uuid-v7.ts";
import { type Ask, type Plan, planFor } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import { effectsOf, hasOnceTools, hasUnguardedTools } from "../tools/effect-rules.ts";
import { runnableTools } from "../tools/own/runnable-tools.ts";
import { ToolCallGuard } from "../tools/tool-call-guard.ts";
import { openYesesOf } from "../tools/unapproved-calls.ts";
import type { Attempt } from "./settle.ts";
import { wakeWorker } from "./wake.ts";

/** How long to wait for the worker's MCP servers to list their tools, in ms. Past that, a worker asks them. */
const longestListingMs = 10_000;
/** How long after a submit without an answer it is sent again, in ms. */
const repeatSubmitMs = 250;

export interface Query extends Ask {
  metadata: Record<string, unknown>;
  idempotencyKey: string | null;
  /** Tells a repeat from another request with the same key: the whole request, in canonical form, with every digit. */
  fingerprint: string;
  /** The job that `previous_response_id` names. */
  continuedFrom?: string | undefined;
  /** Whether the same request returns the same job until its answer is read. */
  joins?: boolean;
  /** Whether it says itself that it may have been sent before. */
  isRepeat?: boolean;
  /** Sent files that must be in Storage before the job is accepted. */
  files?: SentFile[];
}

/** How the caller wants the answer. */
export interface Delivery {
  /** Whether background is tried; undefined leaves it to the profile, or to the request. */
  background?: boolean | undefined;
  /** Whether the answer is sent as it is written. */
  stream: boolean;
  /** Whether the caller keeps a request open for it: then it runs in place, unless it goes to background. */
  waits: boolean;
}

/** An accepted job. */
export interface Submitted {
  job: Job;
  /** Whether it is the job of an earlier, identical question. */
  joined?: boolean;
  /** Resolves when its run in this isolate has ended; undefined if there is none. */
  ended?: Promise<void> | undefined;
}

/**
 * Accepts a query. The row is written first. From then on the job is durable: no failure here loses it, or is answered as if
 * there were no job. Two database round trips: one before OpenAI is called, one after.
 * @throws RequestError for a refusal: then there is no row. `acceptance_unknown` names the row that may exist
 */
export async function submitJob(
  profiles: Profiles,
  caller: Caller,
  query: Query,
  delivery: Delivery,
): Promise<Submitted> {
  const asked = await planFor(profiles, query);
  const plan = { ...asked, background: delivery.background ?? asked.background };
  const submission = await submissionOf(caller, query, plan, delivery);
  if (query.files?.length) await (await import("../files/store-files.ts")).storeFiles(query.files);
  const accepting = (lease: jobs.Lease | undefined) => accept(submission, lease);
  const { written: { created, job, joined, guarded }, ended } = delivery.waits && !plan.background
    ? await (await runsInPlace(profiles)).offer(accepting, true)
    : { written: await accepting(undefined), ended: undefined };
  if (ended) waitUntil(ended);
  if (!created || ended) return { job, joined, ended };
  const attempt = {
    id: job.id,
    attempt: job.attempt,
    steps: [],
    usages: [],
    rounds: 0,
    on_uncertain: plan.onUncertain,
    guard: submission.guard,
    calls_started: false,
    run_since: job.attempt,
    first_id: job.id,
    owner_id: submission.owner_id,
    mayAct: submission.once_tools && plan.onUncertain === "review" && !guarded,
  };
  const settled = job.status === "background"
    ? await orLastSeen(job, () => tryBackground(profiles, job, attempt, plan))
    : job;
  if (settled.status === "queued") waitUntil(wakeWorker("respond"));
  return { job: settled };
}

/** Loaded only when something runs here, because cold start counts. */
async function runsInPlace(profiles: Profiles) {
  const { inPlace } = await import("./in-place.ts");
  return inPlace(profiles);
}

/**
 * Writes the row. If the answer is lost, the submit is sent once more with the same id, and finds what the first one made.
 */
async function accept(
  submission: Submission,
  lease: jobs.Lease | undefined,
): Promise<{ created: boolean; job: Job; joined: boolean; guarded: boolean; work: Work | null }> {
  for (let isRepeat = false;; isRepeat = true) {
    try {
      const { created, job, joined, guarded, work } = await jobs.submit(submission, lease);
      // For a repeat, this is unknown: the careful path is taken.
      return { created: created || job.id === submission.id, job, joined, guarded, work };
    } catch (error) {
      if (error instanceof RequestError && !error.unanswered) throw error;
      if (isRepeat) throw unknownAcceptance(submission, error);
      log.warn("no answer to a submit; sending it once more", {
        job_id: submission.id,
        error: describe(error),
      });
    }
    await new Promise((resolve) => setTimeout(resolve, repeatSubmitMs));
  }
}

/** With the caller's own key it may be sent again. Without one, a repeat could be a second job. */
function unknownAcceptance({ id, idempotency_key }: Submission, cause: unknown): Error {
  if (idempotency_key !== null && cause instanceof RequestError) return cause;
  return new RequestError(
    "acceptance_unknown",
    `Cannot tell whether the job was accepted: the database did not answer. If it was accepted, it is job ${id}`,
    {
      hint:
        "Look for that job before you send the request again. With an Idempotency-Key header, you can always send it again",
      jobId: id,
      retryAfterS: 5,
      cause,
    },
  );
}

/** For work after a job was accepted: whatever fails, the answer is the job as last read. */
async function orLastSeen(job: Job, next: () => Promise<Job>): Promise<Job> {
  try {
    return await next();
  } catch (error) {
    log.error(
      "something failed after a job was accepted; a webhook, a poll or a worker continues it",
      {
        job_id: job.id,
        error: describe(error),
      },
    );
    return job;
  }
}

async function submissionOf(
  caller: Caller,
  query: Query,
  plan: Plan,
  { stream }: Delivery,
): Promise<Submission> {
  const { profile, input, request, settings = null, metadata } = query;
  const { route, model, toolServers } = routeOf(profile, plan.body);
  return {
    id: uuidV7(),
    profile,
    input,
    request,
    owner_id: ownerOf(caller),
    metadata,
    idempotency_key: query.idempotencyKey,
    request_hash: await sha256(query.fingerprint),
    mode: plan.background ? "background" : "synchronous",
    accept_ms: plan.budgets.accept_ms,
    background_ms: plan.budgets.background_ms,
    deadline_ms: plan.budgets.deadline_ms,
    max_attempts: plan.retry.max_attempts,
    backoff_base_ms: plan.retry.backoff_base_ms,
    backoff_cap_ms: plan.retry.backoff_cap_ms,
    route,
    model,
    tool_servers: toolServers,
    once_tools: hasOnceTools(plan.body, plan.sideEffects),
    on_uncertain: plan.onUncertain,
    guard: guardOf(plan),
    approval_ms: plan.approvalMs,
    review_ms: plan.reviewMs,
    poll_ms: plan.budgets.poll_ms,
    // OpenAI does not stream a background run to us.
    stream: stream && !plan.background,
    settings,
    continued_from: query.continuedFrom ?? null,
    joins: query.joins ?? false,
    is_repeat: query.isRepeat ?? false,
    claims: caller.kind === "user" && refersToFiles(input) ? caller.claims : null,
  };
}

/** A request that already contains a yes may act before anybody is asked, and so may a tool that never asks. */
function guardOf({ guard, body, sideEffects }: Plan): Guard {
  const acts = openYesesOf(body).size > 0 || hasUnguardedTools(body, sideEffects);
  return guard === "always" && acts ? "synchronous" : guard;
}

/** The route of a request, as in response_routes: jobs that fail for the same reasons share one. */
function routeOf(profile: string, body: RequestBody) {
  const model = body.model ?? "";
  const toolServers = (body.tools ?? []).flatMap((tool) =>
    tool.type === "mcp" && tool.server_label ? [tool.server_label] : []
  );
  const route = [profile, model, toolServers.join("+")].join("/").slice(0, 500);
  return { route, model, toolServers };
}

/** @param attempt mayAct: whether a response that nobody can read may make calls that must not be made twice */
async function tryBackground(
  profiles: Profiles,
  job: Job,
  attempt: Attempt & { mayAct: boolean },
  plan: Plan,
): Promise<Job> {
  try {
    let accepted: Accepted;
    try {
      const body = await requestOf(plan, attempt);
      const ready = await sendable(body, job.id, plan.budgets.background_ms);
      accepted = await createBackground(ready, job, plan.budgets.accept_ms);
    } catch (error) {
      const { afterRefusal } = await import("./background-answer.ts");
      return await afterRefusal(job, attempt, error);
    }
    const { response, requestId } = accepted;
    if (isFinalUpstream(response)) {
      // The caller gets its result.
      const { settleWith } = await import("./settle.ts");
      const settled = await settleWith(attempt, plan, response, requestId);
      if (settled !== undefined) return settled;
    }
    afterAnswer(() => record(profiles, job, plan, accepted));
    return { ...job, response_id: response.id };
  } catch (error) {
    // The row exists: the webhook or the poll finds what could not be written now.
    if (isStale(error) || (error instanceof RequestError && error.status === 503)) {
      log.warn("cannot record the background attempt; webhook or poll will", {
        job_id: job.id,
        error: describe(error),
      });
      return job;
    }
    throw error;
  }
}

/** The request, with approval required before calls that must not be made twice. */
async function requestOf(plan: Plan, attempt: Attempt): Promise<RequestBody> {
  const effects = effectsOf([], plan.sideEffects);
  const listing = AbortSignal.timeout(Math.min(longestListingMs, plan.budgets.accept_ms / 2));
  const { body, close } = await runnableTools(plan, effects, listing);
  waitUntil(close());
  const wanted = attempt.guard === "always";
  return new ToolCallGuard(attempt, body, effects, wanted, plan.approveWhen).guard(body);
}

/**
 * Records a running response while the caller is answered: the job is durable without its id, because the response's metadata
 * names the job.
 */
async function record(
  profiles: Profiles,
  job: Job,
  plan: Plan,
  { response, requestId }: Accepted,
): Promise<void> {
  try {
    const { recordRunning } = await import("./background-answer.ts");
    await recordRunning(profiles, job, response.id, requestId, plan.budgets.poll_ms);
  } catch (error) {
    log.warn("cannot record the background response; its webhook will", {
      job_id: job.id,
      response_id: response.id,
      error: describe(error),
    });
  }
}
