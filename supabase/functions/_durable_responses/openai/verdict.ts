/** What a final response means for its job. */
import type { Failure } from "../model/failure.ts";
import { answerOf, nameOf, type UpstreamResponse } from "../model/upstream-response.ts";
import { isEmpty } from "../model/what-was-done.ts";
import * as z from "../model/zod.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { classifyResponseError } from "./classify.ts";

export type Verdict =
  | { kind: "complete"; parsed: unknown }
  | { kind: "fail"; failure: Failure };

/**
 * What a final response that asks for nothing (`asksForSomething`) means for its job, in background and synchronously.
 * `completed` is only a result if it fits the profile's output schema.
 */
export function judge(response: UpstreamResponse, output: z.$ZodType | undefined): Verdict {
  switch (response.status) {
    case "completed": {
      if (response.refusal !== null) return refused(response.refusal);
      if (isEmpty(response)) {
        return {
          kind: "fail",
          // What some servers call completed has failed.
          failure: response.error === null
            ? makeFailure(
              "answer_empty",
              `Cannot use the answer: ${nameOf(response)} completed with nothing in it`,
            )
            : classifyResponseError(response),
        };
      }
      return output === undefined
        ? { kind: "complete", parsed: null }
        : parseOutput(response, output);
    }
    case "failed":
      return { kind: "fail", failure: classifyResponseError(response) };
    case "incomplete":
      return {
        kind: "fail",
        failure: response.incompleteReason === null && response.error !== null
          ? classifyResponseError(response)
          : makeFailure(
            "response_incomplete",
            `Cannot use the answer: it is incomplete because of ${
              response.incompleteReason ?? "an unnamed reason"
            }`,
          ),
      };
    case "cancelled":
      return {
        kind: "fail",
        failure: makeFailure(
          "response_cancelled",
          `Cannot finish ${nameOf(response)}: it was cancelled at OpenAI`,
        ),
      };
    default:
      return {
        kind: "fail",
        failure: makeFailure(
          "stream_cut",
          `Cannot use ${nameOf(response)}: it is still ${response.status}`,
        ),
      };
  }
}

/** Whether a response is a job's result. */
export function isResult(response: UpstreamResponse, output: z.$ZodType | undefined): boolean {
  return response.status === "completed" && judge(response, output).kind === "complete";
}

/** The model declined: no repeat changes that. */
function refused(said: string): Verdict {
  return {
    kind: "fail",
    failure: makeFailure("openai_policy", `Cannot use the answer: the model declined: ${said}`, {
      type: "refusal",
    }),
  };
}

function parseOutput(response: UpstreamResponse, output: z.$ZodType): Verdict {
  const value = jsonIn(response);
  if (value === undefined) {
    return {
      kind: "fail",
      failure: makeFailure("output_invalid", "Cannot use the answer: it is not JSON"),
    };
  }
  const parsed = z.safeParse(output, value.json);
  if (parsed.success) return { kind: "complete", parsed: parsed.data };
  const issue = parsed.error.issues[0];
  return {
    kind: "fail",
    failure: makeFailure(
      "output_invalid",
      `Cannot use the answer: '${
        issue?.path.join(".") ?? ""
      }' does not match the profile's schema: ${issue?.message ?? ""}`,
    ),
  };
}

/** The answer as JSON: all of it, or its last message, if an earlier one is not part of the answer and does not say so. */
function jsonIn({ outputText, output }: UpstreamResponse): { json: unknown } | undefined {
  for (const text of [outputText, answerOf(output).at(-1)?.text ?? ""]) {
    try {
      return { json: JSON.parse(text) };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}
