/** One request of a run in the forms that an API may accept, until one is carried out. */
import { recordWarning } from "../db/persist.ts";
import type { Failure } from "../model/failure.ts";
import type { DoneStep, Work } from "../model/job.ts";
import type { RequestBody } from "../model/request.ts";
import { isOnlyWords } from "../model/what-was-done.ts";
import { classifyResponseError } from "../openai/classify.ts";
import type { RunResult } from "../openai/stream-run.ts";
import { isTooLong } from "../openai/too-long.ts";
import type { Plan } from "../profiles/plan.ts";
import {
  formsFor,
  hasEncryptedReasoning,
  nextForm,
  refusesReasoning,
  rememberNoReasoning,
} from "./continuation.ts";

/** Sends one request of the run. */
export type Send = (body: RequestBody) => Promise<RunResult>;

/** Sends the question and the finished steps in the first form that the API accepts. */
export async function sendInAnyForm(
  { work, plan }: { work: Work; plan: Plan },
  send: Send,
  steps: DoneStep[],
): Promise<RunResult> {
  const withReasoning = hasEncryptedReasoning(plan.body);
  const result = await sendForms(work, send, plan.body, steps, withReasoning);
  if (!isRefused(result) || !withReasoning || !refusesReasoning(result.failure)) return result;
  const without = await sendForms(work, send, plan.body, steps, false);
  // If both are refused, the reason is another one: the message may quote the caller's own words.
  if (without.kind !== "failed" || !refusesReasoning(without.failure)) {
    rememberNoReasoning(plan.body);
  }
  return without;
}

async function sendForms(
  work: Work,
  send: Send,
  body: RequestBody,
  steps: DoneStep[],
  withReasoning: boolean,
): Promise<RunResult> {
  const choice = formsFor(body, steps, withReasoning);
  if ("failure" in choice) {
    return { ...refusal(choice.failure), requestId: null };
  }
  let result: RunResult = { kind: "aborted" };
  for (let form = choice.forms[0]; form !== undefined;) {
    result = await send(form.body);
    if (!isRefused(result) || withReasoning && refusesReasoning(result.failure)) break;
    const next = nextForm(choice.forms, form, result.failure);
    if (next === undefined) break;
    await recordWarning(
      work,
      `The API refused the finished steps as ${form.name}, so they were sent as ${next.name}: ${result.failure.message}`,
    );
    form = next;
  }
  return result;
}

/** Whether a request was refused: only then may it be sent in another form. */
function isRefused(result: RunResult): result is RunResult & { kind: "failed" } {
  return result.kind === "failed" && result.request === "refused";
}

/** Whether a failed request does nothing any more. */
export function isOver(result: RunResult): boolean {
  return result.kind === "failed" && (result.request === "refused" || result.request === "over");
}

/** Nothing of the request is carried out. */
export const refusal = (failure: Failure) =>
  ({ kind: "failed", failure, request: "refused" }) as const;

/**
 * Judges whether an answer is a refusal, so that a shorter form may fit: also a response that failed because its request was too
 * long, before it did anything. Of a request that may act, only what surely came before it did: a call's own output may be what
 * was too much.
 */
export const refusable = (send: Send, mayAct: () => boolean): Send => async (body) => {
  const result = await send(body);
  if (result.kind === "failed" && result.request === "refused_or_over") {
    return { ...result, request: mayAct() ? "unknown" : "refused" };
  }
  if (result.kind !== "done" || mayAct()) return result;
  const { response, requestId, streamed } = result;
  if (response.status !== "failed" || streamed === "touched" || !isOnlyWords(response)) {
    return result;
  }
  const failure = classifyResponseError(response);
  return isTooLong(failure) ? { ...refusal(failure), requestId } : result;
};
