/** Why answers to what a response asks are refused: the database speaks of the job, /v1 of the response. */
import { refusedAnswer } from "../../db/answers.ts";
import type { Visibility } from "../../model/caller.ts";
import { responseIdOf } from "../../model/ids.ts";
import type { RequestError } from "../../platform/errors.ts";
import { readRecord, type ResponseRecord } from "./record.ts";
import { Refusal, toRefusal } from "./refusal.ts";
import { statusOf } from "./response.ts";

/**
 * The refusal of answers that the database did not accept. Nothing was written, and the same answers may always come again.
 * @param params the field of each answer, in the order in which they were given
 */
export async function refusalOfAnswers(
  error: RequestError,
  id: string,
  who: Visibility,
  params: string[],
): Promise<Refusal | RequestError> {
  const at = refusedAnswer(error);
  const param = at === undefined ? undefined : params[at];
  if (error.code === "invalid_state") return notAsked(await readRecord(id, who), param, error);
  if (error.code === "decision_mismatch") return anotherCall(id, param, error);
  // Its place is looked up where the whole input is known.
  if (error.code === "file_not_found") return error;
  const { status, message, details } = toRefusal(error, true);
  return new Refusal(status, message, { ...details, ...(param !== undefined && { param }) });
}

/** 409 for an answer to what a response does not ask, or no longer. */
export function notAsked(
  record: ResponseRecord,
  param: string | undefined,
  cause?: unknown,
): Refusal {
  const what = param === undefined ? "the answers" : `'${param}'`;
  return new Refusal(409, `Cannot accept ${what}: ${whyNot(record)}`, {
    code: "invalid_state",
    param: param ?? null,
    responseId: responseIdOf(record.id),
    cause,
  });
}

/** 409 for a decision about another call than the one that waits. */
export function anotherCall(id: string, param: string | undefined, cause?: unknown): Refusal {
  const response = responseIdOf(id);
  return new Refusal(
    409,
    `Cannot accept '${
      param ?? "input"
    }': the call that waits is not the one that was shown. Retrieve response ${response}, and decide about the call that its output shows`,
    { code: "decision_mismatch", param: param ?? null, responseId: response, cause },
  );
}

function whyNot(record: ResponseRecord): string {
  const id = responseIdOf(record.id);
  switch (record.status) {
    case "awaiting_approval":
    case "awaiting_tool_output":
      return `response ${id} does not wait for it: it was answered differently before, was never asked, or its time is over. What the response still asks is in its output: retrieve it`;
    case "completed":
    case "failed":
    case "cancelled":
      return `response ${id} has ended with the status ${record.status}, and asks nothing more. To go on, send a new message`;
    case "needs_review":
      return `response ${id} waits for a review of a call that may have been made. Resolve that first, then retrieve the response`;
    default:
      return `response ${id} is ${
        statusOf(record)
      }: it continues with the answers that it has. Retrieve it to see what comes of it`;
  }
}
