/** What no webhook and no caller sees to: background jobs that are due for a look, and cancels that are still to be made. */
import * as jobs from "../db/jobs.ts";
import { removeUnusedFiles } from "../files/remove-unused.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned } from "./abandoned.ts";
import { settleBackground } from "./settle.ts";

/** Background jobs polled together: each is one call to OpenAI, all at once. */
const batch = 20;

/**
 * Looks after background jobs whose webhook has not come, that are stuck, or that OpenAI accepted and
 * nobody recorded; cancels what is still to be cancelled at OpenAI; and removes files that no job needs any more.
 * @returns true when there may be more to do at once
 */
export async function reconcileBackground(profiles: Profiles): Promise<boolean> {
  const [due, cancels] = await Promise.all([
    jobs.claimPolls(batch),
    jobs.claimPendingCancels(batch),
  ]);
  const [settled, , filesLeft] = await Promise.all([
    Promise.all(due.map((work) =>
      settleBackground(profiles, work).catch((error: unknown) => {
        log.error("cannot settle a background job; trying again at its next poll", {
          job_id: work.id,
          error: describe(error),
        });
        return undefined;
      })
    )),
    Promise.all(cancels.map((upstream) => cancelAbandoned(profiles, upstream))),
    removeUnusedFiles(),
  ]);
  return due.length === batch || filesLeft || settled.some((job) => job?.status === "queued");
}
