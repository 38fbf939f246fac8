/** How a request that waits for the answer ends without one. */
import { responseIdOf } from "../../model/ids.ts";
import type { ResponseRecord } from "./record.ts";
import { Refusal } from "./refusal.ts";
import { statusOf, toResponse } from "./response.ts";

/**
 * What is said in place of an answer, where there is none: a library takes whatever comes with 200 for one, and an agent that
 * finds no message in it asks again. 400, which no library repeats by itself; the message has none of the words by which some
 * of them tell that a repeat may help. Undefined for what is an answer: a failed response is one.
 */
export function noAnswer(record: ResponseRecord): Refusal | undefined {
  const id = responseIdOf(record.id);
  const told = toldOf(record, id);
  return told && new Refusal(400, told.message, { code: told.code, responseId: id });
}

function toldOf(record: ResponseRecord, id: string): { code: string; message: string } | undefined {
  switch (statusOf(record)) {
    case "queued":
    case "in_progress":
      return {
        code: "response_in_progress",
        message:
          `Response ${id} is not finished, and this request cannot stay open for it. It goes on: get it with GET /v1/responses/${id}. The same question asked anew is a request too many`,
      };
    case "cancelled":
      return {
        code: "response_cancelled",
        message:
          `Response ${id} was cancelled before it had an answer. To ask the same anew, send an Idempotency-Key header`,
      };
    case "incomplete":
      return {
        code: "response_needs_review",
        message: `Response ${id} has no answer yet. ${toResponse(record).error?.message ?? ""}`,
      };
    default:
      return undefined;
  }
}
