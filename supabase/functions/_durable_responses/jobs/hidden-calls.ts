/** Responses that have ended, and do not show what became of calls that must not be made twice. */
import type { Failure } from "../model/failure.ts";
import type { Work } from "../model/job.ts";
import { asksForSomething, type UpstreamResponse } from "../model/upstream-response.ts";
import { judge } from "../openai/verdict.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { Plan } from "../profiles/plan.ts";
import type { ApprovedCall } from "../tools/approved-calls.ts";
import { isOfUnknownForm, showsWhatItDid } from "../tools/what-it-shows.ts";
import { isUnguarded } from "./unsettled.ts";

/**
 * Why a response that has ended does not settle its job: the one thing that matters is not in it. That is an answer that
 * cannot be read.
 * @param read untold: calls that had their yes, and about which it says nothing
 */
export function whatItHides(
  work: Work,
  plan: Pick<Plan, "output">,
  { response, untold }: { response: UpstreamResponse; untold: readonly ApprovedCall[] },
): Failure | undefined {
  if (work.on_uncertain !== "review") return undefined;
  const [call] = untold;
  const { id, status } = response;
  if (call !== undefined) {
    return unreadable(
      `Cannot tell from the response ${id} whether ${call.tool} at ${call.server} was called: the call had its yes, and the response is ${status} without showing what it did`,
    );
  }
  if (!isUnguarded(work) || !hidesItsCalls(response, plan)) return undefined;
  return unreadable(
    `Cannot tell from the response ${id} whether it called tools: no call needed a yes of ours, and the response is ${status} without showing what it did`,
  );
}

/**
 * Whether a response that nobody had to ask before a call hides what it did, and another run would follow. One that answers
 * ends its job, whatever else it did.
 */
export function hidesItsCalls(
  response: UpstreamResponse,
  { output }: Pick<Plan, "output">,
): boolean {
  if (showsWhatItDid(response) && !response.output.some(isOfUnknownForm)) return false;
  return asksForSomething(response) || judge(response, output).kind === "fail";
}

function unreadable(message: string): Failure {
  return makeFailure("answer_unreadable", message);
}
