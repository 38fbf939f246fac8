/** From an accepted query to a job that is durable, and on its way. */
import * as jobs from "../db/jobs.ts";
import { persist } from "../db/persist.ts";
import type { Caller } from "../model/caller.ts";
import { canonicalOfValue } from "../model/canonical.ts";
import type { Job } from "../model/job.ts";
import type { RequestBody } from "../model/request.ts";
import { isFinalUpstream, type UpstreamResponse } from "../model/upstream-response.ts";
import { createBackground } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { sha256 } from "../platform/digest.ts";
import { isStale, RequestError } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import { waitUntil } from "../platform/runtime.ts";
import { type Ask, type Plan, planFor } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import { hasOnceTools } from "../tools/effect-rules.ts";
import { cancelOrphan } from "./cancel.ts";
import { leaveBackground, settleWith } from "./settle.ts";
import { wakeWorker } from "./wake.ts";

/** How long a database that is away is waited for to record a response, ms. */
const recordMs = 60_000;

export interface Query extends Ask {
  metadata: Record<string, unknown>;
  idempotencyKey: string | null;
}

/**
 * Accepts a query. The row is written first; from then on the job is durable, and nothing that fails
 * here loses it. Two database round trips: one before OpenAI is called, one after.
 * @throws RequestError for what is refused; then there is no row
 */
export async function submitJob(
  profiles: Profiles,
  caller: Caller,
  query: Query,
): Promise<Job> {
  const plan = await planFor(profiles, query);
  const { created, job } = await jobs.submit(await submissionOf(caller, query, plan));
  if (!created) return job;
  const settled = job.status === "background" ? await tryBackground(job, plan) : job;
  if (settled.status === "queued") waitUntil(wakeWorker("respond"));
  return settled;
}

async function submissionOf(caller: Caller, query: Query, plan: Plan): Promise<jobs.Submission> {
  const { profile, input, request, metadata } = query;
  const { route, model, toolServers } = routeOf(profile, plan.body);
  return {
    profile,
    input,
    request,
    owner_id: caller.kind === "user" ? caller.ownerId : null,
    metadata,
    idempotency_key: query.idempotencyKey,
    request_hash: await sha256(canonicalOfValue({ profile, input, request, metadata })),
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
    approval_ms: plan.approvalMs,
    review_ms: plan.reviewMs,
    poll_ms: plan.budgets.poll_ms,
  };
}

/** The route of a request, as response_routes has it: jobs that fail for the same reasons share one. */
function routeOf(profile: string, body: RequestBody) {
  const model = body.model ?? "";
  const toolServers = (body.tools ?? []).flatMap((tool) =>
    tool.type === "mcp" && tool.server_label ? [tool.server_label] : []
  );
  const route = [profile, model, toolServers.join("+")].join("/").slice(0, 500);
  return { route, model, toolServers };
}

async function tryBackground(job: Job, plan: Plan): Promise<Job> {
  try {
    let accepted: { response: UpstreamResponse; requestId: string | null };
    try {
      accepted = await createBackground(plan.body, job, plan.budgets.accept_ms);
    } catch (error) {
      const why = classifyError(error);
      if (
        why.maybeAccepted && plan.onUncertain === "review" &&
        hasOnceTools(plan.body, plan.sideEffects)
      ) {
        log.warn("no answer to the background request; its webhook or the poll will tell", {
          job_id: job.id,
          code: why.code,
        });
        return job;
      }
      return await leaveBackground(job, why);
    }
    return await recordAccepted(job, plan, accepted.response, accepted.requestId);
  } catch (error) {
    // The row stands: whatever could not be written now is found by the webhook or the poll.
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

/**
 * A final response is settled before the caller hears of it. One that runs is recorded while the
 * caller is answered: the job is as durable without its id, since the response's metadata name the job.
 */
async function recordAccepted(
  job: Job,
  plan: Plan,
  response: UpstreamResponse,
  requestId: string | null,
): Promise<Job> {
  if (isFinalUpstream(response)) return await settleWith(job, plan, response, requestId);
  waitUntil(record(job, plan, response.id, requestId));
  return { ...job, response_id: response.id };
}

async function record(job: Job, plan: Plan, responseId: string, requestId: string | null) {
  const write = async () => {
    const { orphaned } = await jobs.recordBackground(
      job,
      responseId,
      requestId,
      plan.budgets.poll_ms,
    );
    if (orphaned) {
      await cancelOrphan({ job_id: job.id, attempt: job.attempt, response_id: responseId });
    }
  };
  try {
    await persist(write, AbortSignal.timeout(recordMs));
  } catch (error) {
    log.warn("cannot record the background response; its webhook will", {
      job_id: job.id,
      response_id: responseId,
      error: describe(error),
    });
  }
}
