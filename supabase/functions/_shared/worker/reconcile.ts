import * as jobs from "../db/jobs.ts";
import { cancelOrphan } from "../jobs/cancel.ts";
import { settleBackground } from "../jobs/settle.ts";
import { describe, log } from "../log.ts";

/** Background jobs looked at in one go: each is one call to OpenAI, all at once. */
const BATCH = 20;

/**
 * Looks after background jobs whose webhook has not come, that are stuck, or that OpenAI accepted and
 * nobody recorded; and cancels what is still to be cancelled at OpenAI.
 * @returns true when there may be more to do at once
 */
export async function reconcileBackground(): Promise<boolean> {
  const [due, cancels] = await Promise.all([
    jobs.claimPolls(BATCH),
    jobs.claimPendingCancels(BATCH),
  ]);
  const [settled] = await Promise.all([
    Promise.all(due.map((work) =>
      settleBackground(work).catch((error: unknown) => {
        log.error("cannot settle a background job; trying again at its next poll", {
          job_id: work.id,
          error: describe(error),
        });
        return undefined;
      })
    )),
    Promise.all(cancels.map(cancelOrphan)),
  ]);
  return due.length === BATCH || settled.some((job) => job?.status === "queued");
}
