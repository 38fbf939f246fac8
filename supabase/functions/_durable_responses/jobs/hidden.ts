/** Responses that hide what they did: nobody knows whether a repeat would do it a second time. */
import type { Failure } from "../model/failure.ts";
import type { Work } from "../model/job.ts";
import { asksForSomething, type UpstreamResponse } from "../model/upstream-response.ts";
import type * as z from "../model/zod.ts";
import { judge } from "../openai/verdict.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { ApprovedCall } from "../tools/approved-calls.ts";
import { hidesRun } from "../tools/what-it-shows.ts";

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
  const { id, status } = response;
  const [call] = untold;
  if (call !== undefined && onUncertain === "review") {
    return makeFailure(
      "answer_unreadable",
      `Cannot tell from the response ${id} whether ${call.tool} at ${call.server} was called: the call had its yes, and the response is ${status} without showing what it did`,
    );
  }
  const isRepeated = !asksForSomething(response) && judge(response, output).kind === "fail";
  if (!mayAct || !isRepeated || !hidesRun(response)) return undefined;
  return makeFailure(
    "answer_unreadable",
    `Cannot tell from the response ${id} whether its tools were called: it is ${status} without showing what it did`,
  );
}
