/** Work that no webhook and no caller does: polling background jobs that are due, and pending cancels. */
import * as jobs from "../db/jobs.ts";
import { removeUnusedFiles } from "../files/remove-unused.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned } from "./abandoned.ts";
import { type Continue, settleBackground } from "./settle.ts";

/** How many background jobs are polled together. Each is one call to OpenAI, and all run at once. */
const batch = 20;

/**
 * Polls background jobs whose webhook has not come, that are stuck, or that OpenAI accepted and nobody recorded. Sends
 * pending cancels to OpenAI, and removes files that no job needs any more.
 * @param sendYes used if a response asks before calls that need no person; default: the job is queued
 * @returns whether there was something to do, and whether there may be more to do at once
 */
export async function reconcileBackground(
  profiles: Profiles,
  sendYes?: Continue,
): Promise<{ found: boolean; more: boolean }> {
  const [due, cancels] = await Promise.all([
    jobs.claimPolls(batch),
    jobs.claimPendingCancels(batch),
  ]);
  const [settled, , filesLeft] = await Promise.all([
    Promise.all(
      due.map((work) =>
        settleBackground(profiles, work, sendYes).catch((error: unknown) => {
          log.error("cannot settle a background job; trying again at its next poll", {
            job_id: work.id,
            error: describe(error),
          });
          return undefined;
        })
      ),
    ),
    Promise.all(cancels.map((upstream) => cancelAbandoned(profiles, upstream))),
    removeUnusedFiles(),
  ]);
  return {
    found: due.length > 0 || cancels.length > 0 || filesLeft,
    more: due.length === batch || filesLeft || settled.some((job) => job?.status === "queued"),
  };
}
