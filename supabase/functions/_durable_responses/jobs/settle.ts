import * as jobs from "../db/jobs.ts";
import type { SideEffects } from "../model/effect.ts";
import type { Failure } from "../model/failure.ts";
import { isApprovalRequest } from "../model/items.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Fence, Job, Work } from "../model/rows.ts";
import type { Step } from "../model/step.ts";
import { cancelUpstream, retrieve } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { judge } from "../openai/result.ts";
import { isStale } from "../platform/errors.ts";
import { failure } from "../platform/failures.ts";
import { log } from "../platform/log.ts";
import { planOrFailure } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import type { Plan } from "../profiles/resolve.ts";
import { EffectRules } from "../tools/effect-rules.ts";
import { stepOf } from "../tools/step-of-item.ts";

/**
 * Looks at a background job and moves it on if it can be: a result is written, a failure falls back or
 * fails the job, a stuck response is cancelled first. Webhook and poll both come here; the fence makes
 * the second one a no-op.
 * @returns the job if it changed, undefined if it waits on
 */
export async function settleBackground(
  profiles: Profiles,
  work: Work,
): Promise<Job | undefined> {
  try {
    return await settle(profiles, work);
  } catch (error) {
    if (isStale(error)) return undefined;
    throw error;
  }
}

async function settle(profiles: Profiles, work: Work): Promise<Job | undefined> {
  if (work.response_id === null) return await endUnrecorded(work);
  const found = await look(work.response_id);
  if (found.kind === "unreachable") {
    if (isPast(work)) {
      return await jobs.fail(work, tooLate("OpenAI could not be reached"), [], true);
    }
    log.warn("cannot look at a background response", {
      job_id: work.id,
      code: found.failure.code,
      error: found.failure.message,
    });
    return undefined;
  }
  if (found.kind === "gone") {
    const gone = `Cannot find the response ${work.response_id} at OpenAI any more`;
    return await jobs.fallBack(work, failure("background_expired", gone), [], true);
  }
  const { outcome } = found;
  if (isOver(outcome)) return await settleOutcome(profiles, work, outcome);
  if (!isPast(work) && (work.background_left_ms ?? 0) > 0) return undefined;
  return await endStuck(profiles, work, work.response_id, outcome);
}

/**
 * OpenAI gave no id within the accept budget. If it accepted all the same, the response will act and then
 * report by webhook, whose metadata names this attempt. Where its tools must not act twice, that report
 * is waited for until the background budget ends; then a person decides. Else the job falls back now.
 */
async function endUnrecorded(work: Work): Promise<Job | undefined> {
  const mayAct = work.once_tools && work.on_uncertain === "review";
  if (mayAct && !isPast(work) && (work.background_left_ms ?? 0) > 0) return undefined;
  const unrecorded =
    "Cannot find the background response: OpenAI gave no id within the accept budget";
  return await jobs.fallBack(work, failure("background_unrecorded", unrecorded), [], true);
}

const isPast = (work: Work) => work.deadline_left_ms <= 0;
const tooLate = (why: string) =>
  failure("deadline_exceeded", `Cannot finish the job before its deadline: ${why}`);

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
async function endStuck(
  profiles: Profiles,
  work: Work,
  responseId: string,
  seen: Outcome,
): Promise<Job | undefined> {
  const still = `the background response was still ${seen.status}`;
  let outcome: Outcome;
  try {
    outcome = await cancelUpstream(responseId);
  } catch (error) {
    const why = classifyError(error);
    if (isPast(work)) {
      return await jobs.fail(work, tooLate(still), await stepsOf(profiles, work, seen), true);
    }
    log.warn("cannot cancel a stuck background response; trying again at the next poll", {
      job_id: work.id,
      code: why.code,
    });
    return undefined;
  }
  // It may have finished between the look and the cancel: then its result counts.
  if (outcome.status !== "cancelled" && isOver(outcome)) {
    return await settleOutcome(profiles, work, outcome);
  }
  const steps = await stepsOf(profiles, work, outcome);
  if (isPast(work)) return await jobs.fail(work, tooLate(still), steps);
  const stuck =
    `Cannot wait for the background response any longer: it was still ${seen.status} when its budget ended`;
  return await jobs.fallBack(work, failure("background_stuck", stuck), steps);
}

/** Settles a background job whose response is over. */
export async function settleOutcome(
  profiles: Profiles,
  work: Work,
  outcome: Outcome,
): Promise<Job> {
  const plan = await planOrFailure(profiles, work);
  return "failure" in plan
    ? await jobs.fail(work, plan.failure, doneBy(outcome, {}))
    : await settleWith(work, plan.plan, outcome, null);
}

/**
 * Writes what a background response that is over means: its result, its request for approval, or its
 * failure. Whatever it did before it failed enters the ledger, and a synchronous run goes on after it.
 */
export async function settleWith(
  fence: Fence,
  plan: Plan,
  outcome: Outcome,
  requestId: string | null,
): Promise<Job> {
  const verdict = judge(outcome, plan.output);
  const steps = doneBy(outcome, plan.sideEffects);
  if (verdict.kind === "approve") {
    const effects = new EffectRules(plan.sideEffects);
    const asked = verdict.requests.map((item) => stepOf(item, effects));
    return await jobs.awaitApproval(fence, outcome, [...steps, ...asked]);
  }
  if (verdict.kind === "fail") return await leaveBackground(fence, verdict.failure, steps);
  const { output } = outcome;
  return await jobs.complete(fence, { outcome, output, parsed: verdict.parsed, requestId, steps });
}

/** What a response did by the job's rules, or by none where its profile is gone. */
async function stepsOf(profiles: Profiles, work: Work, outcome: Outcome): Promise<Step[]> {
  const planned = await planOrFailure(profiles, work);
  return doneBy(outcome, "plan" in planned ? planned.plan.sideEffects : {});
}

/** What a response did, for the ledger; its open requests for approval are no deeds. */
function doneBy(outcome: Outcome, rules: SideEffects): Step[] {
  const effects = new EffectRules(rules);
  for (const item of outcome.output) if (item.type === "mcp_list_tools") effects.learn(item);
  return outcome.output.filter((item) => !isApprovalRequest(item)).map((item) =>
    stepOf(item, effects)
  );
}

/** A failed background try: what a synchronous run may mend falls back, the rest fails the job. */
export async function leaveBackground(
  fence: Fence,
  why: Failure,
  steps: Step[] = [],
): Promise<Job> {
  const mendable = why.class === "transient" || why.class === "unsupported";
  return mendable ? await jobs.fallBack(fence, why, steps) : await jobs.fail(fence, why, steps);
}

/** True when a response will not change any more. */
export function isOver(outcome: Outcome): boolean {
  return outcome.status !== "queued" && outcome.status !== "in_progress";
}
