import * as jobs from "../db/jobs.ts";
import type { Job, Work } from "../db/schemas.ts";
import { isStale, RequestError } from "../errors.ts";
import { log } from "../log.ts";
import { cancelUpstream, retrieve } from "../openai/background.ts";
import { classifyError, type Failure, failure } from "../openai/failure.ts";
import type { Outcome } from "../openai/outcome.ts";
import { judge } from "../openai/result.ts";
import { type Plan, planFor } from "../profile/resolve.ts";

/**
 * Looks at a background job and moves it on if it can be: a result is written, a failure falls back or
 * fails the job, a stuck response is cancelled first. Webhook and poll both come here; the fence makes
 * the second one a no-op.
 * @returns the job if it changed, undefined if it waits on
 */
export async function settleBackground(work: Work): Promise<Job | undefined> {
  try {
    return await settle(work);
  } catch (error) {
    if (isStale(error)) return undefined;
    throw error;
  }
}

async function settle(work: Work): Promise<Job | undefined> {
  if (work.response_id === null) {
    return await jobs.fallBack(
      work,
      failure(
        "background_unrecorded",
        "Cannot find the background response: OpenAI gave no id within the accept budget",
      ),
    );
  }
  const found = await look(work.response_id);
  if (found.kind === "unreachable") {
    if (work.deadline_left_ms > 0) {
      log.warn("cannot look at a background response", {
        job_id: work.id,
        code: found.failure.code,
        error: found.failure.message,
      });
      return undefined;
    }
    return await jobs.fail(
      work,
      failure(
        "deadline_exceeded",
        "Cannot finish the job before its deadline: OpenAI could not be reached",
      ),
      true,
    );
  }
  if (found.kind === "gone") {
    return await jobs.fallBack(
      work,
      failure(
        "background_expired",
        `Cannot find the response ${work.response_id} at OpenAI any more`,
      ),
    );
  }
  const { outcome } = found;
  if (isOver(outcome)) return await settleOutcome(work, outcome);
  if (work.deadline_left_ms > 0 && (work.background_left_ms ?? 0) > 0) return undefined;
  return await endStuck(work, work.response_id, outcome);
}

type Look = { kind: "found"; outcome: Outcome } | { kind: "gone" } | {
  kind: "unreachable";
  failure: Failure;
};

async function look(responseId: string): Promise<Look> {
  try {
    return { kind: "found", outcome: await retrieve(responseId) };
  } catch (error) {
    const why = classifyError(error);
    return why.code === "openai_not_found"
      ? { kind: "gone" }
      : { kind: "unreachable", failure: why };
  }
}

/** Past its budget: cancelled at OpenAI first, so that it cannot go on beside the synchronous run. */
async function endStuck(work: Work, responseId: string, seen: Outcome): Promise<Job | undefined> {
  let outcome: Outcome;
  try {
    outcome = await cancelUpstream(responseId);
  } catch (error) {
    const why = classifyError(error);
    if (work.deadline_left_ms <= 0) {
      return await jobs.fail(
        work,
        failure(
          "deadline_exceeded",
          `Cannot finish the job before its deadline: the background response was still ${seen.status}`,
        ),
        true,
      );
    }
    log.warn("cannot cancel a stuck background response; trying again at the next poll", {
      job_id: work.id,
      code: why.code,
    });
    return undefined;
  }
  // It may have finished between the look and the cancel: then its result counts.
  if (
    outcome.status === "completed" || outcome.status === "failed" || outcome.status === "incomplete"
  ) {
    return await settleOutcome(work, outcome);
  }
  if (work.deadline_left_ms <= 0) {
    return await jobs.fail(
      work,
      failure(
        "deadline_exceeded",
        `Cannot finish the job before its deadline: the background response was still ${seen.status}`,
      ),
    );
  }
  return await jobs.fallBack(
    work,
    failure(
      "background_stuck",
      `Cannot wait for the background response any longer: it was still ${seen.status} when its budget ended`,
    ),
  );
}

/** Settles a background job whose response is over. */
export async function settleOutcome(work: Work, outcome: Outcome): Promise<Job> {
  const plan = await planOrFailure(work);
  if ("failure" in plan) return await jobs.fail(work, plan.failure);
  const verdict = judge(outcome, plan.plan.output);
  if (verdict.kind === "complete") return await jobs.complete(work, outcome, verdict.parsed, null);
  return await leaveBackground(work, verdict.failure);
}

/** A failed background try: what a synchronous run may mend falls back, the rest fails the job. */
export async function leaveBackground(fence: jobs.Fence, why: Failure): Promise<Job> {
  const mendable = why.class === "transient" || why.class === "unsupported";
  return mendable ? await jobs.fallBack(fence, why) : await jobs.fail(fence, why);
}

/** The job's plan; a profile or secret that is gone since it was accepted is a failure of the job. */
export async function planOrFailure(work: Work): Promise<{ plan: Plan } | { failure: Failure }> {
  try {
    return { plan: await planFor(work) };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const code = error.code === "unknown_profile" || error.code === "secret_not_set"
      ? error.code
      : "openai_invalid_request";
    return { failure: failure(code, error.message) };
  }
}

/** True when a response will not change any more. */
export function isOver(outcome: Outcome): boolean {
  return outcome.status !== "queued" && outcome.status !== "in_progress";
}
