/** Sends the answers to a background response's questions from the isolate that has read it. Loaded when one has asked. */
import * as jobs from "../db/jobs.ts";
import type { Job, Work } from "../model/job.ts";
import { RequestError } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import { waitUntil } from "../platform/runtime.ts";
import type { Profiles } from "../profiles/profile.ts";
import { inPlace } from "./in-place.ts";
import type { Continue } from "./settle.ts";

/** How long after a lease without an answer it is asked for again, in ms. */
const repeatMs = 250;

/**
 * Keeps the answers and, if the rules of a claim allow it, leases the job to this isolate, which sends them at once: no worker
 * need be woken, and the yes is in the ledger for a shorter time before OpenAI has it. Otherwise the job is queued.
 */
export const sendYesFor = (profiles: Profiles): Continue => async (...continued) => {
  const { written, ended } = await inPlace(profiles).offer(async (lease) => {
    if (lease === undefined) return { job: await jobs.continueJob(...continued), work: null };
    return await askTwice(continued[0].id, () => jobs.continueInPlace(lease, ...continued));
  }, false);
  if (ended) waitUntil(ended);
  return written.job;
};

/** If the answer is lost, asks once more. Otherwise the job would wait until the lease that nobody knows of expires. */
async function askTwice(
  id: string,
  ask: () => Promise<{ job: Job; work: Work | null }>,
): Promise<{ job: Job; work: Work | null }> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RequestError && error.unanswered)) throw error;
    log.warn("no answer to a lease; asking for it once more", {
      job_id: id,
      error: describe(error),
    });
  }
  await new Promise((resolve) => setTimeout(resolve, repeatMs));
  return await ask();
}
