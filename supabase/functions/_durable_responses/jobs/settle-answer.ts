/** Settling a background job with what its create was answered with. A worker of any kind does this. */
import * as jobs from "../db/jobs.ts";
import type { AttemptKey } from "../model/job.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { settleBackground } from "./settle.ts";
import { wakeWorker } from "./wake.ts";

/**
 * Settles the job that waits for a response that has already ended: some servers ignore `background: true`, and may not know the
 * response any more when they are asked for it. If this fails, the poll reads it.
 */
export async function settleAnswer(
  profiles: Profiles,
  { id, attempt }: AttemptKey,
  response: UpstreamResponse,
): Promise<void> {
  try {
    const { work } = await jobs.claimBackgroundJob(response.id);
    // If its id is another response's, another job may wait by that id, or nobody.
    if (work?.id !== id || work.attempt !== attempt) return;
    const settled = await settleBackground(profiles, work, undefined, response);
    if (settled?.status === "queued") await wakeWorker("continuation");
  } catch (error) {
    log.warn("cannot settle with the answer to a background request; the poll will", {
      response_id: response.id,
      error: describe(error),
    });
  }
}
