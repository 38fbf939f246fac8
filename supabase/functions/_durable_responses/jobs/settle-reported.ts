/** Settling what a webhook reports. The function that receives it loads this after its answer. */
import * as jobs from "../db/jobs.ts";
import { isResponseId } from "../model/response-id.ts";
import { isFinalUpstream } from "../model/upstream-response.ts";
import { attemptKeyOf, retrieve } from "../openai/background.ts";
import { log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned, readAbandoned } from "./abandoned.ts";
import { type Continue, settleBackground } from "./settle.ts";
import { wakeWorker } from "./wake.ts";

/** Settles the job of a response that has ended, by its webhook. */
export async function settleReported(profiles: Profiles, responseId: string): Promise<void> {
  // No response of ours has such an id, and nobody can ask for it.
  if (!isResponseId(responseId)) {
    log.warn("a webhook reports a response whose id cannot be used", {
      response_id: responseId.slice(0, 100).toWellFormed(),
    });
    return;
  }
  const found = await jobs.claimBackgroundJob(responseId);
  const settled = found.known
    ? await settleKnown(profiles, found)
    : await settleUnrecorded(profiles, responseId);
  if (settled?.status === "queued") await wakeWorker("openai-webhook");
}

/** Settles a response that a job waits for. Reads an abandoned response too, because it may have done something. */
async function settleKnown(
  profiles: Profiles,
  { work, abandoned }: Awaited<ReturnType<typeof jobs.claimBackgroundJob>>,
) {
  if (work) return await settleBackground(profiles, work, sendYesHere(profiles));
  if (abandoned) await readAbandoned(profiles, abandoned);
  return undefined;
}

/** Most responses ask for nothing: what sends answers is loaded when one does. */
function sendYesHere(profiles: Profiles): Continue {
  return async (...continued) => {
    const { sendYesFor } = await import("./send-yes.ts");
    return await sendYesFor(profiles)(...continued);
  };
}

/** A response that nobody recorded: its metadata name the attempt, which may still wait for it. */
async function settleUnrecorded(profiles: Profiles, responseId: string) {
  const response = await retrieve(responseId);
  const key = attemptKeyOf(response);
  if (!key) return undefined;
  // By its own id: what was asked for may be somebody else's, and a cache has answered with ours.
  const found = await jobs.adoptBackground(key, response.id);
  if (found.abandoned && !isFinalUpstream(response)) {
    await cancelAbandoned(profiles, found.abandoned);
    return undefined;
  }
  return await settleKnown(profiles, found);
}
