/**
 * Work that no webhook and no caller does: polls that are due, webhooks whose response could not be read, pending cancels, calls in
 * doubt, and unused files.
 */
import * as jobs from "../db/jobs.ts";
import { claimPendingCancels } from "../db/upstream-cancels.ts";
import { removeUnusedFiles } from "../files/remove-unused.ts";
import type { Job } from "../model/job.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned } from "./abandoned.ts";
import { type Continue, settleBackground } from "./settle.ts";

/** How many background jobs are polled together. Each is one call to OpenAI, and all run at once. */
const batch = 20;

/**
 * Polls background jobs whose webhook has not come, that are stuck, or that OpenAI accepted and nobody recorded. Asks for
 * responses that could not be read when their webhook came. Sends pending cancels to OpenAI, asks profiles about calls in
 * doubt, and removes files that no job needs any more.
 * @param sendYes used if a response asks before calls that need no person; default: the job is queued
 * @returns whether there may be more to do at once
 */
export async function reconcileBackground(
  profiles: Profiles,
  sendYes?: Continue,
): Promise<boolean> {
  const [{ work: due, webhooks }, cancels] = await Promise.all([
    jobs.claimPolls(batch),
    claimPendingCancels(batch),
  ]);
  const [settled, read, , filesLeft, answered] = await Promise.all([
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
    Promise.all(webhooks.map((responseId) => readReported(profiles, responseId, sendYes))),
    Promise.all(cancels.map((upstream) => cancelAbandoned(profiles, upstream))),
    removeUnusedFiles(),
    asksWasMade(profiles),
  ]);
  return due.length === batch || webhooks.length === batch || filesLeft || answered ||
    [...settled, ...read].some((job) => job?.status === "queued");
}

/** Rare: what it needs is loaded only then. */
async function readReported(
  profiles: Profiles,
  responseId: string,
  sendYes?: Continue,
): Promise<Job | undefined> {
  try {
    const { settleUnread } = await import("./settle-reported.ts");
    return await settleUnread(profiles, responseId, sendYes);
  } catch (error) {
    log.warn("cannot read yet what a webhook reported; trying again at a later poll", {
      response_id: responseId,
      error: describe(error),
    });
    return undefined;
  }
}

/** @returns whether a review was answered, and its job may be due */
async function asksWasMade(profiles: Profiles): Promise<boolean> {
  const asked = Object.keys(profiles).filter((name) => profiles[name]?.was_made !== undefined);
  if (asked.length === 0) return false;
  try {
    const { askAboutCallsInDoubt } = await import("./calls-in-doubt.ts");
    return await askAboutCallsInDoubt(profiles, asked);
  } catch (error) {
    log.error("cannot ask about calls in doubt; trying again at the next look", {
      error: describe(error),
    });
    return false;
  }
}
