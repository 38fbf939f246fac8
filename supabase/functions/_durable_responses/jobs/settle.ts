/** From what is known of a background response to the next state of its job. */
import * as jobs from "../db/jobs.ts";
import { noteUnasked, recordWarning } from "../db/persist.ts";
import type { Failure } from "../model/failure.ts";
import type { AttemptKey, Job, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { isFinalUpstream, type UpstreamResponse } from "../model/upstream-response.ts";
import { cancelUpstream, retrieve } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { judge } from "../openai/verdict.ts";
import { isStale } from "../platform/errors.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { log } from "../platform/log.ts";
import { type Plan, planOrFailure } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import { sumOf, wholeOutput } from "../run/rounds.ts";
import { callsOf } from "../tools/background-calls.ts";
import { effectsOf } from "../tools/effect-rules.ts";
import { stepOf } from "../tools/step-of-item.ts";
import { ToolCallGuard } from "../tools/tool-call-guard.ts";

/**
 * Looks at a background job and settles it if it can be: a result is written, a failure falls back or
 * fails the job, a stuck response is cancelled first. Webhook and poll both come here; the attempt number makes
 * the second one a no-op.
 * @returns the job if it changed, undefined if it still waits
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
    if (isPastDeadline(work)) {
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
    return await jobs.fallBack(work, makeFailure("background_expired", gone), [], {
      unknown: true,
    });
  }
  const { response } = found;
  if (isFinalUpstream(response)) return await settleFinal(profiles, work, response);
  if (!isPastDeadline(work) && (work.background_left_ms ?? 0) > 0) return undefined;
  return await endStuck(profiles, work, work.response_id, response);
}

/**
 * OpenAI gave no id within the accept budget. If it accepted nevertheless, the response will do what it may and then
 * report by webhook, whose metadata names this attempt. Where that may be what must not be done twice, the report
 * is waited for until the background budget ends; then a person decides. Else the job falls back now.
 */
async function endUnrecorded(work: Work): Promise<Job | undefined> {
  if (mayAct(work) && !isPastDeadline(work) && (work.background_left_ms ?? 0) > 0) return undefined;
  const unrecorded =
    "Cannot find the background response: OpenAI gave no id within the accept budget";
  const why = makeFailure("background_unrecorded", unrecorded);
  return await jobs.fallBack(work, why, [], { unknown: true });
}

/** Whether a response of which nothing is known may do, or have done, what must not be done twice. */
function mayAct(work: Work): boolean {
  return work.on_uncertain === "review" && (work.calls_started || work.once_tools && !work.guarded);
}

const isPastDeadline = (work: Work) => work.deadline_left_ms <= 0;
const tooLate = (why: string) =>
  makeFailure("deadline_exceeded", `Cannot finish the job before its deadline: ${why}`);

type Look = { kind: "found"; response: UpstreamResponse } | { kind: "gone" } | {
  kind: "unreachable";
  failure: Failure;
};

async function look(responseId: string): Promise<Look> {
  try {
    return { kind: "found", response: await retrieve(responseId) };
  } catch (error) {
    const why = classifyError(error);
    return why.code === "openai_not_found"
      ? { kind: "gone" }
      : { kind: "unreachable", failure: why };
  }
}

/**
 * Past its budget: cancelled at OpenAI first, so that it cannot run beside the synchronous run. One that cannot be cancelled is
 * left behind where it can do no harm: all that it can come to is a question that nobody answers.
 */
async function endStuck(
  profiles: Profiles,
  work: Work,
  responseId: string,
  seen: UpstreamResponse,
): Promise<Job | undefined> {
  const still = `the background response was still ${seen.status}`;
  const stuck = makeFailure(
    "background_stuck",
    `Cannot wait for the background response any longer: it was still ${seen.status} when its budget ended`,
  );
  let response: UpstreamResponse;
  try {
    response = await cancelUpstream(responseId);
  } catch (error) {
    const why = classifyError(error);
    if (isPastDeadline(work)) {
      return await jobs.fail(work, tooLate(still), await stepsOf(profiles, work, seen), true);
    }
    if (!mayAct(work)) {
      const steps = await stepsOf(profiles, work, seen);
      return await jobs.fallBack(work, stuck, steps, { running: true });
    }
    log.warn("cannot cancel a stuck background response; trying again at the next poll", {
      job_id: work.id,
      code: why.code,
    });
    return undefined;
  }
  // It may have finished between the look and the cancel: then its result counts.
  if (response.status !== "cancelled" && isFinalUpstream(response)) {
    return await settleFinal(profiles, work, response);
  }
  const steps = await stepsOf(profiles, work, response);
  if (isPastDeadline(work)) return await jobs.fail(work, tooLate(still), steps);
  return await jobs.fallBack(work, stuck, steps, { running: !isFinalUpstream(response) });
}

/** Settles a background job whose response is final. */
export async function settleFinal(
  profiles: Profiles,
  work: Work,
  response: UpstreamResponse,
): Promise<Job> {
  const plan = await planOrFailure(profiles, work);
  return "failure" in plan
    ? await jobs.fail(work, plan.failure, await stepsOf(profiles, work, response))
    : await settleWith(work, plan.plan, response, null);
}

/** What is known of a background attempt when its response is read. */
export type Attempt =
  & AttemptKey
  & Pick<Work, "steps" | "usages" | "on_uncertain" | "guard" | "calls_started" | "run_since">;

/**
 * Writes what a final background response means: its result, its requests for approval, or its
 * failure. Whatever it did before it failed enters the ledger, and a synchronous run continues after it. Requests that no
 * person need be asked about are answered: a worker sends the answers, and the run goes on.
 */
export async function settleWith(
  key: Attempt,
  plan: Plan,
  response: UpstreamResponse,
  requestId: string | null,
): Promise<Job> {
  const verdict = judge(response, plan.output);
  const { steps, effects, guard } = await readBy(key, plan, response);
  if (verdict.kind === "approve") {
    const asked = verdict.requests.map((item) => stepOf(item, effects));
    const decision = guard.decide(response);
    if (decision.kind === "stop") {
      return await jobs.awaitApproval(key, response, [...steps, ...asked]);
    }
    if (decision.kind === "review") {
      return await jobs.holdForReview(key, decision.failure, steps);
    }
    for (const repeat of decision.repeats) await recordWarning(key, repeat);
    return await jobs.continueJob(key, response, [...steps, ...asked], decision.answers);
  }
  if (verdict.kind === "fail") return await leaveBackground(key, verdict.failure, steps);
  const output = wholeOutput(key.steps, response.output);
  const whole = { ...response, usage: sumOf([...key.usages, response.usage]) };
  const { parsed } = verdict;
  return await jobs.complete(key, { response: whole, output, parsed, requestId, steps });
}

/** What a response did by the job's rules, or by none where its profile is gone. */
async function stepsOf(
  profiles: Profiles,
  work: Work,
  response: UpstreamResponse,
): Promise<Step[]> {
  const planned = await planOrFailure(profiles, work);
  const plan = "plan" in planned ? planned.plan : { body: {}, sideEffects: {} };
  return (await readBy(work, plan, response)).steps;
}

/** What a response did, for the ledger, and what stands in front of what it asks to do. */
async function readBy(
  key: Attempt,
  { body, sideEffects }: Pick<Plan, "body" | "sideEffects">,
  response: UpstreamResponse,
) {
  const effects = effectsOf(key.steps, sideEffects);
  for (const item of response.output) effects.learn(item);
  const guard = new ToolCallGuard(key, body, effects, key.guard === "always");
  const { steps, unasked } = callsOf(response, key, guard, body, effects);
  // Known before anything is decided: on such a route nothing counts as guarded.
  for (const call of unasked.slice(0, 1)) await noteUnasked(key, call);
  return { steps, effects, guard };
}

/** A failed background try: what a synchronous run may get right falls back, the rest fails the job. */
export async function leaveBackground(
  key: AttemptKey,
  why: Failure,
  steps: Step[] = [],
): Promise<Job> {
  const worthARun = why.class === "transient" || why.class === "unsupported";
  return worthARun ? await jobs.fallBack(key, why, steps) : await jobs.fail(key, why, steps);
}
