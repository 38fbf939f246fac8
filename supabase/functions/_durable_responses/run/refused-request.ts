/** What a failure says about its request. */
import type { RequestBody } from "../model/request.ts";
import { isOnlyWords } from "../model/what-was-done.ts";
import { classifyResponseError } from "../openai/classify.ts";
import type { RunResult } from "../openai/stream-run.ts";
import { isTooLong } from "../openai/too-long.ts";

/** Sends one request of a run. */
export type Send = (body: RequestBody) => Promise<RunResult>;

/** Whether nothing of a request is carried out: only then may it be sent in another form. */
export function isRefused(result: RunResult): result is RunResult & { kind: "failed" } {
  return result.kind === "failed" && result.request === "refused";
}

/** Whether a failed request does nothing any more. */
export function isOver(result: RunResult): boolean {
  return result.kind === "failed" && result.request !== "unknown";
}

/**
 * A request that was too long, and has shown nothing of what it did, is refused: a shorter form may fit. Not if it may make calls
 * that must not be made twice: the output of the call itself may have been too much.
 */
export const refusedIfTooLong = (send: Send): Send => async (body) => {
  const result = await send(body);
  if (result.kind === "aborted") return result;
  if (result.kind === "failed") {
    const isAnswered = !result.failure.maybeAccepted && result.request === "unknown";
    return isAnswered && isTooLong(result.failure) ? { ...result, request: "refused" } : result;
  }
  const { response, requestId } = result;
  if (response.status !== "failed" || !isOnlyWords(response)) return result;
  const failure = classifyResponseError(response);
  return isTooLong(failure) ? { kind: "failed", failure, requestId, request: "refused" } : result;
};
