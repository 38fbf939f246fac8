/** From what is known about a background response to the next state of its job. */
import * as jobs from "../db/jobs.ts";
import { recordUnapprovedCall, recordWarning } from "../db/persist.ts";
import type { Failure } from "../model/failure.ts";
import { isApprovalRequest } from "../model/items.ts";
import { isLeftCall } from "../model/left-calls.ts";
import type { AttemptKey, Job, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import {
  asksForSomething,
  isFinalUpstream,
  type UpstreamResponse,
} from "../model/upstream-response.ts";
import { cancelUpstream } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { isTooLong } from "../openai/too-long.ts";
import { UnreadableAnswer } from "../openai/unreadable.ts";
import { isResult, judge } from "../openai/verdict.ts";
import { isMismatch, isStale, isUnavailable } from "../platform/errors.ts";
import { messageOf } from "../platform/log.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { type Plan, planOrFailure } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import { waitingSteps } from "../run/own-calls.ts";
import { maxRounds, roundsBefore, sumOf, tooManyRounds, wholeOutput } from "../run/rounds.ts";
import { callsOf } from "../tools/background-calls.ts";
import { effectsOf } from "../tools/effect-rules.ts";
import { judgeCalls } from "../tools/own/judge-calls.ts";
import { namedTools } from "../tools/own/runnable-tools.ts";
import { repeatIn } from "../tools/repeated-call.ts";
import { repeatedQuestion } from "../tools/repeated-question.ts";
import { StepIds } from "../tools/step-ids.ts";
import { stepOf } from "../tools/step-of-item.ts";
import { ToolCallGuard } from "../tools/tool-call-guard.ts";
import { hidesRun } from "../tools/what-it-shows.ts";
import { settlesAfterMs } from "./abandoned.ts";
import { hiddenIn, readAgain } from "./hidden.ts";
import { readResponse } from "./read-response.ts";
import { mayActUnasked, mayHaveActed, stuckBecause, Unsettled, waitOn } from "./unsettled.ts";

/** Writes that a job continues after its questions, which need no person, are answered. */
export type Continue = typeof jobs.continueJob;

/**
 * Reads a background job's response and settles the job if possible: a result is written, a failure falls back or fails the
 * job, a stuck response is cancelled first. Webhook and poll both come here, and the attempt number makes the second one a
 * no-op. Anything that prevents settling is counted, and ends with the background budget.
 * @param sendYes used if only the answers are to be sent, in background; default: a worker sends them
 * @param answered the response, if it is known already
 * @returns the job if it changed, undefined if it still waits
 * @throws RequestError `database_unavailable`
 */
export async function settleBackground(
  profiles: Profiles,
  work: Work,
  sendYes?: Continue,
  answered?: UpstreamResponse,
): Promise<Job | undefined> {
  try {
    const outcome = await attemptToSettle(profiles, work, sendYes, answered);
    return outcome instanceof Unsettled ? await waitOn(work, outcome) : outcome;
  } catch (error) {
    if (isStale(error)) return undefined;
    throw error;
  }
}

/** Whatever settling throws counts as one more reason why the job could not be settled. */
async function attemptToSettle(
  profiles: Profiles,
  work: Work,
  sendYes?: Continue,
  answered?: UpstreamResponse,
): Promise<Job | Unsettled | undefined> {
  try {
    return await settle(profiles, work, sendYes, answered);
  } catch (error) {
    if (isStale(error) || isMismatch(error)) throw error;
    if (isUnavailable(error)) return unwritten(work, error);
    return new Unsettled(classifyError(error), true);
  }
}

/**
 * The database did not take what the response means. Mostly it is down, and cannot count this either. If it refuses only this,
 * for example because it takes too long, the job must not read and write the same until its deadline.
 */
function unwritten(work: Work, error: unknown): Unsettled {
  const why = `Cannot store what the response ${work.response_id} means: ${messageOf(error)}`;
  return new Unsettled(makeFailure("worker_error", why), false, [], true);
}

async function settle(
  profiles: Profiles,
  work: Work,
  sendYes?: Continue,
  answered?: UpstreamResponse,
): Promise<Job | Unsettled | undefined> {
  // Its id may be one that cannot be recorded.
  const responseId = work.response_id ?? answered?.id ?? null;
  if (responseId === null) return await endUnrecorded(work);
  const found = await look(work, responseId, answered);
  if ("failure" in found) {
    const { failure } = found;
    if (failure.code === "answer_too_large") return await endTooLarge(work, failure);
    if (failure.code !== "openai_not_found") return new Unsettled(failure, isLasting(failure));
    if (work.attempt_age_ms < settlesAfterMs && !isOverdue(work)) {
      return new Unsettled(failure, false);
    }
    const gone = `Cannot find the response ${responseId} at OpenAI any more`;
    return await jobs.fallBack(work, makeFailure("background_expired", gone), [], {
      unknown: true,
    });
  }
  const { response } = found;
  // Its webhook may arrive before the one who cancelled it has read it.
  if (response.status === "cancelled" && isOverdue(work)) {
    const still = "it was not finished when its budget ended";
    return await endCancelled(profiles, work, response, still);
  }
  if (isFinalUpstream(response)) return await settleFinal(profiles, work, response, sendYes);
  if (!isOverdue(work)) return undefined;
  return await endStuck(profiles, work, responseId, response);
}

/**
 * OpenAI gave no id within the accept budget. If it accepted the request anyway, the response will run and then report by
 * webhook, whose metadata names this attempt. If it may make calls that must not be made twice, we wait for the report until
 * the background budget ends. Then a person decides. Otherwise the job falls back now.
 */
async function endUnrecorded(work: Work): Promise<Job | undefined> {
  if (mayHaveActed(work) && !isOverdue(work)) return undefined;
  const unrecorded =
    "Cannot find the background response: OpenAI gave no id within the accept budget";
  const why = makeFailure("background_unrecorded", unrecorded);
  return await jobs.fallBack(work, why, [], { unknown: true });
}

/** No repeat makes it smaller. What it did cannot be read: if that may matter, a person decides. */
async function endTooLarge(work: Work, failure: Failure): Promise<Job> {
  return mayHaveActed(work)
    ? await jobs.fallBack(work, failure, [], { unknown: true, running: true })
    : await jobs.fail(work, failure);
}

const isPastDeadline = (work: Work) => work.deadline_left_ms <= 0;
/** The background budget or the job's own is used up. */
const isOverdue = (work: Work) => isPastDeadline(work) || (work.background_left_ms ?? 0) <= 0;

/** A refusal, or an answer that cannot be read, will be the same at the next poll. A server that is down comes back. */
function isLasting({ code, class: kind }: Failure): boolean {
  return kind !== "transient" || code === "answer_unreadable";
}

async function look(
  work: Work,
  responseId: string,
  answered?: UpstreamResponse,
): Promise<{ response: UpstreamResponse } | { failure: Failure }> {
  const { id: jobId, attempt, earlier_responses: others } = work;
  try {
    const whose = { jobId, attempts: [attempt], others };
    return { response: await readResponse(responseId, work, whose, answered) };
  } catch (error) {
    if (isUnavailable(error)) throw error;
    return { failure: classifyError(error) };
  }
}

/**
 * Past its budget: cancelled at OpenAI first, so that it cannot run next to the synchronous run. A cancel is only a request:
 * the response has ended once it says so afterwards. If its end is not confirmed, we leave it behind if it can do no harm:
 * all that can come of it is a question that nobody answers.
 */
async function endStuck(
  profiles: Profiles,
  work: Work,
  responseId: string,
  seen: UpstreamResponse,
): Promise<Job | Unsettled> {
  const still = `it was still ${seen.status} when its budget ended`;
  let refused: Failure | undefined;
  try {
    await cancelUpstream(responseId);
  } catch (error) {
    refused = classifyError(error);
  }
  const after = await look(work, responseId);
  if ("failure" in after || !isFinalUpstream(after.response)) {
    // Nothing that it may still do matters: all that can come of it is a question that nobody answers.
    if (!mayHaveActed(work) && !isPastDeadline(work)) {
      return await jobs.fallBack(work, stuckBecause(still), await stepsOf(profiles, work, seen), {
        running: true,
      });
    }
    const failure = refused ?? ("failure" in after ? after.failure : makeFailure(
      "background_stuck",
      `Cannot confirm the cancel of ${responseId}: it is still ${after.response.status}`,
    ));
    return new Unsettled(failure, false, await stepsOf(profiles, work, seen));
  }
  const { response } = after;
  // It may have finished between the read and the cancel: then its result counts.
  return response.status === "cancelled"
    ? await endCancelled(profiles, work, response, still)
    : await settleFinal(profiles, work, response);
}

/** A response that was cancelled because its budget had ended. */
async function endCancelled(
  profiles: Profiles,
  work: Work,
  response: UpstreamResponse,
  still: string,
): Promise<Job> {
  const steps = await stepsOf(profiles, work, response);
  if (isPastDeadline(work)) {
    return await jobs.fail(
      work,
      makeFailure("deadline_exceeded", `Cannot finish the job before its deadline: ${still}`),
      steps,
    );
  }
  const unknown = mayActUnasked(work) && hidesRun(response);
  return await jobs.fallBack(work, stuckBecause(still), steps, { unknown });
}

/** Settles a background job whose response is final. */
async function settleFinal(
  profiles: Profiles,
  work: Work,
  response: UpstreamResponse,
  sendYes?: Continue,
): Promise<Job | Unsettled> {
  const planned = await planOrFailure(profiles, work);
  if ("failure" in planned) {
    return await jobs.fail(work, planned.failure, await stepsOf(profiles, work, response));
  }
  const { plan } = planned;
  const read = await readBy(work, plan, response);
  const hidden = hiddenIn(read, work, plan.output, mayActUnasked(work));
  if (hidden !== undefined) return readAgain(hidden, read);
  return await settleRead(work, plan, read, null, sendYes);
}

/** What is known about a background attempt when its response is read. */
export type Attempt =
  & AttemptKey
  & Pick<
    Work,
    | "calls_started"
    | "first_id"
    | "guard"
    | "on_uncertain"
    | "owner_id"
    | "run_since"
    | "steps"
    | "usages"
    | "rounds"
  >;

/**
 * Writes what a final background response means: its result, its requests for approval, or its failure. Whatever it did
 * before it failed enters the ledger, and a synchronous run continues after it. Requests that need no person are answered: a
 * worker sends the answers, and the run continues.
 * @param key mayAct: whether it may make calls that must not be made twice, without a yes
 * @returns undefined if it hides what it did: then it is read again
 */
export async function settleWith(
  key: Attempt & { mayAct: boolean },
  plan: Plan,
  response: UpstreamResponse,
  requestId: string | null,
): Promise<Job | undefined> {
  const read = await readBy(key, plan, response);
  if (hiddenIn(read, key, plan.output, key.mayAct) !== undefined) return undefined;
  return await settleRead(key, plan, read, requestId);
}

async function settleRead(
  key: Attempt,
  plan: Plan,
  read: Read,
  requestId: string | null,
  sendYes?: Continue,
): Promise<Job> {
  const { response, steps, unasked } = read;
  const repeat = repeatIn(unasked, key);
  if (repeat !== undefined) return await jobs.holdForReview(key, repeat, steps);
  if (asksForSomething(response)) return await settleAsking(key, plan, read, sendYes);
  const verdict = judge(response, plan.output);
  if (verdict.kind === "fail") {
    return isTooLong(verdict.failure) && isWorthTelling(key, steps)
      ? await jobs.fallBack(key, verdict.failure, steps)
      : await leaveBackground(key, verdict.failure, steps);
  }
  const output = wholeOutput(key.steps, response.output);
  const whole = { ...response, usage: sumOf([...key.usages, response.usage]) };
  const { parsed } = verdict;
  return await jobs.complete(key, { response: whole, output, parsed, requestId, steps });
}

/**
 * Whether a request that was too long can be sent in a shorter form: with what was done told instead of repeated
 * (run/continuation.ts). A question by itself cannot.
 */
function isWorthTelling({ steps: before }: Attempt, steps: readonly Step[]): boolean {
  return before.length > 0 || steps.some(({ kind }) => kind.endsWith("_call"));
}

/**
 * The model asks whether it may make calls, or asks for calls of ours. If somebody outside must be asked, the job is
 * suspended. Calls of ours are for a worker, which makes them and answers: they may take minutes.
 */
async function settleAsking(
  key: Attempt,
  plan: Plan,
  { response, steps, effects, guard, ids }: Read,
  sendYes: Continue = jobs.continueJob,
): Promise<Job> {
  const before = roundsBefore(key);
  if (before >= maxRounds) return await jobs.fail(key, tooManyRounds(), steps);
  const decision = await guard.decide(response);
  if (decision.kind === "review") return await jobs.holdForReview(key, decision.failure, steps);
  const requests = response.output.filter(isApprovalRequest);
  const tools = await namedTools(plan, effects);
  const calls = response.output.filter(isLeftCall).map((item) => ({
    item,
    stepId: ids.of(item, item),
  }));
  const judged = await judgeCalls(calls, { work: key, tools, effects, round: before + 1 });
  const review = judged.find((one) => one.kind === "review");
  if (review !== undefined) return await jobs.holdForReview(key, review.failure, steps);
  const all = [
    ...steps,
    ...requests.map((item) => stepOf(item, effects, ids.of(item, item))),
    ...waitingSteps(judged),
  ];
  const asks = decision.kind === "stop" && requests.length > 0 ||
    judged.some(({ kind }) => kind === "ask" || kind === "hand_out");
  for (const repeat of decision.repeats) await recordWarning(key, repeat);
  const onlyAnswers = judged.length === 0 && plan.background;
  const write = asks ? jobs.suspend : onlyAnswers ? sendYes : jobs.continueJob;
  const answers = [...decision.answers].map(([item, answer]) =>
    [ids.of(item, item), answer] as const
  );
  return await write(key, response, all, new Map(answers));
}

/** What a response did, by the job's rules, or without rules if its profile is gone. */
async function stepsOf(
  profiles: Profiles,
  work: Work,
  response: UpstreamResponse,
): Promise<Step[]> {
  const planned = await planOrFailure(profiles, work);
  const plan = "plan" in planned
    ? planned.plan
    : { body: {}, sideEffects: {}, approveWhen: {}, output: undefined };
  return (await readBy(work, plan, response)).steps;
}

type Read = Awaited<ReturnType<typeof readBy>>;

/**
 * What a response did, for the ledger, and the guard for what it asks to do.
 * @throws UnreadableAnswer for a response that shows only what an earlier one did
 */
async function readBy(
  key: Attempt,
  { body, sideEffects, approveWhen, output }: Pick<
    Plan,
    "body" | "sideEffects" | "approveWhen" | "output"
  >,
  response: UpstreamResponse,
) {
  const effects = effectsOf(key.steps, sideEffects);
  for (const item of response.output) effects.learn(item);
  const guard = new ToolCallGuard(key, body, effects, key.guard === "always", approveWhen);
  const repeated = key.calls_started && repeatedQuestion(response, guard.approvedBefore());
  if (repeated) throw new UnreadableAnswer(`${response.id} ${repeated}`);
  const ids = new StepIds(key.id);
  const reading = { guard, body, effects, isAnswer: isResult(response, output), ids };
  const { steps, unasked, unapproved, untold } = callsOf(response, key, reading);
  // Recorded before anything is decided: on such a route, nothing counts as guarded.
  for (const call of unapproved.slice(0, 1)) await recordUnapprovedCall(key, call);
  return { response, steps, unasked, untold, effects, guard, ids };
}

/** A failed background try: falls back if a synchronous run may succeed, otherwise fails the job. */
export async function leaveBackground(
  key: AttemptKey,
  why: Failure,
  steps: Step[] = [],
): Promise<Job> {
  const worthARun = why.class === "transient" || why.class === "unsupported";
  return worthARun ? await jobs.fallBack(key, why, steps) : await jobs.fail(key, why, steps);
}
