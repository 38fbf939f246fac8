/** How a request that waits for the answer ends if there is none. */
import { responseIdOf } from "../../model/ids.ts";
import type { ResponseRecord } from "./record.ts";
import { Refusal } from "./refusal.ts";
import { statusOf, toResponse } from "./response.ts";

/**
 * The refusal that is sent if there is no answer. A library takes anything with a 200 for an answer, and an agent that finds
 * no message in it asks again. So this is a 400, which no library repeats by itself, and its message avoids the words that
 * some libraries read as "try again". Undefined if there is an answer: a failed response is one.
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
          `Response ${id} is not finished, and this request cannot stay open for it. It continues: retrieve it with GET /v1/responses/${id}. Do not ask the same question again`,
      };
    case "cancelled":
      return {
        code: "response_cancelled",
        message:
          `Response ${id} was cancelled before it had an answer. To ask the same question again, send an Idempotency-Key header`,
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
