/** Reading a response by its id, and making sure that it is the one that was asked for. */
import * as jobs from "../db/jobs.ts";
import type { AttemptKey } from "../model/job.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { attemptKeyOf, refuseOther, retrieve, type Whose } from "../openai/background.ts";
import { UnreadableAnswer } from "../openai/unreadable.ts";

/**
 * The response of an attempt.
 * @param answered the response, if it is known already
 * @throws UnreadableAnswer for another response; what `retrieve` throws
 */
export async function readResponse(
  responseId: string,
  key: AttemptKey,
  whose: Whose,
  answered?: UpstreamResponse,
): Promise<UpstreamResponse> {
  const response = answered ?? await retrieve(responseId);
  // Some servers change the ids of their responses. That is no reason to doubt one whose metadata name the attempt, unless it
  // has the id of another one of ours.
  if (response.id !== responseId) {
    if (attemptKeyOf(response) === undefined) {
      const other = response.id.slice(0, 100);
      throw new UnreadableAnswer(`instead of ${responseId}, it is ${other}, and names no job`);
    }
    if (await jobs.isOfAnother(key, response.id)) {
      throw new UnreadableAnswer(`instead of ${responseId}, it is the response of another job`);
    }
  }
  return refuseOther(response, whose, responseId);
}
