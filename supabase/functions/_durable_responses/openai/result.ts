import type { Failure } from "../model/failure.ts";
import { isApprovalRequest } from "../model/items.ts";
import type { Item, Outcome } from "../model/outcome.ts";
import * as z from "../model/zod.ts";
import { failure } from "../platform/failures.ts";
import { classifyResponseError } from "./classify.ts";

export type Verdict =
  | { kind: "complete"; parsed: unknown }
  | { kind: "fail"; failure: Failure }
  /** The model stopped to ask for a person's yes to these calls. */
  | { kind: "approve"; requests: Item[] };

/**
 * What a response that is over means for its job: the same on both paths. `completed` is only a result
 * when it fits the profile's output schema.
 */
export function judge(outcome: Outcome, output: z.$ZodType | undefined): Verdict {
  switch (outcome.status) {
    case "completed": {
      const requests = outcome.output.filter(isApprovalRequest);
      if (requests.length > 0) return { kind: "approve", requests };
      return output === undefined
        ? { kind: "complete", parsed: null }
        : parseOutput(outcome, output);
    }
    case "failed":
      return { kind: "fail", failure: classifyResponseError(outcome) };
    case "incomplete":
      return {
        kind: "fail",
        failure: failure(
          "response_incomplete",
          `Cannot use the answer: it is incomplete because of ${
            outcome.incompleteReason ?? "an unnamed reason"
          }`,
        ),
      };
    case "cancelled":
      return {
        kind: "fail",
        failure: failure(
          "response_cancelled",
          `Cannot finish the response ${outcome.id}: it was cancelled at OpenAI`,
        ),
      };
    default:
      return {
        kind: "fail",
        failure: failure(
          "stream_cut",
          `Cannot use the response ${outcome.id}: it is still ${outcome.status}`,
        ),
      };
  }
}

function parseOutput(outcome: Outcome, output: z.$ZodType): Verdict {
  let value: unknown;
  try {
    value = JSON.parse(outcome.outputText);
  } catch {
    return {
      kind: "fail",
      failure: failure("output_invalid", "Cannot use the answer: it is not JSON"),
    };
  }
  const parsed = z.safeParse(output, value);
  if (parsed.success) return { kind: "complete", parsed: parsed.data };
  const issue = parsed.error.issues[0];
  return {
    kind: "fail",
    failure: failure(
      "output_invalid",
      `Cannot use the answer: '${issue?.path.join(".") ?? ""}' does not fit the profile's schema: ${
        issue?.message ?? ""
      }`,
    ),
  };
}
