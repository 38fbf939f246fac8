/**
 * Sends the answers to a background response's questions from the isolate that has read it, because of a webhook or a poll.
 * `openai-webhook` loads this when one has asked.
 */
import * as jobs from "../db/jobs.ts";
import { waitUntil } from "../platform/runtime.ts";
import type { Profiles } from "../profiles/profile.ts";
import { inPlace } from "./in-place.ts";
import type { Continue } from "./settle.ts";

/**
 * Keeps the answers and, if the rules of a claim allow it, leases the job to this isolate, which sends them at once: no worker
 * need be woken, and the yes is in the ledger for a shorter time before OpenAI has it. Otherwise the job is queued.
 */
export const sendYesFor = (profiles: Profiles): Continue => async (...continued) => {
  const { written: { job }, ended } = await inPlace(profiles).offer(
    async (lease) =>
      lease === undefined
        ? { job: await jobs.continueJob(...continued), work: null }
        // Never twice: nobody could tell a repeat from another webhook for the same response in this isolate.
        : await jobs.continueInPlace(lease, ...continued),
    false,
  );
  if (ended) waitUntil(ended);
  return job;
};
