/** Responses that hide what they did: nobody knows whether a repeat would do it a second time. */
import type { Failure } from "../model/failure.ts";
import type { Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { asksForSomething, nameOf, type UpstreamResponse } from "../model/upstream-response.ts";
import type * as z from "../model/zod.ts";
import { judge } from "../openai/verdict.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { ApprovedCall } from "../tools/approved-calls.ts";
import { hidesRun } from "../tools/what-it-shows.ts";
import { Unsettled } from "./unsettled.ts";

/**
 * What a final response does not say although it matters: whether a call that had its yes was made, or, of a run that needs no
 * yes, what it did before it failed. That is an answer that cannot be read.
 * @param mayAct whether the run may have made calls that must not be made twice, without a yes
 * @returns undefined if the job can be settled by it
 */
export function hiddenIn(
  { response, untold }: { response: UpstreamResponse; untold: ApprovedCall[] },
  { on_uncertain: onUncertain }: Pick<Work, "on_uncertain">,
  output: z.$ZodType | undefined,
  mayAct: boolean,
): Failure | undefined {
  const { status } = response;
  const [call] = untold;
  if (call !== undefined && onUncertain === "review") {
    return makeFailure(
      "answer_unreadable",
      `Cannot tell from ${
        nameOf(response)
      } whether ${call.tool} at ${call.server} was called: the call had its yes, and the response is ${status} without showing what it did`,
    );
  }
  const isRepeated = !asksForSomething(response) && judge(response, output).kind === "fail";
  if (!mayAct || !isRepeated || !hidesRun(response)) return undefined;
  return makeFailure(
    "answer_unreadable",
    `Cannot tell from ${
      nameOf(response)
    } whether its tools were called: it is ${status} without showing what it did`,
  );
}

/** A response that failed will not show more. One reading, or two, may be of a cache or a proxy. */
const failedReadings = 3;

/** A response that hides what it did is read again. */
export function readAgain(
  hidden: Failure,
  { response, steps }: { response: UpstreamResponse; steps: Step[] },
): Unsettled {
  const readings = response.status === "failed" ? failedReadings : Infinity;
  return new Unsettled(hidden, true, steps, false, readings);
}
