/** Settling what a webhook reports. The function that receives it loads this after its answer. */
import * as jobs from "../db/jobs.ts";
import { isResponseId } from "../model/response-id.ts";
import { isFinalUpstream } from "../model/upstream-response.ts";
import { attemptKeyOf, retrieve } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { after } from "../platform/clock.ts";
import { environment } from "../platform/environment.ts";
import { isUnavailable, RequestError } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import { workerAgeMs } from "../platform/runtime.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned, readAbandoned, settlesAfterMs } from "./abandoned.ts";
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
  const found = await askingAgain(responseId, () => jobOf(responseId));
  const settled = found && await settleFound(profiles, found);
  if (settled?.status === "queued") await wakeWorker("openai-webhook");
}

type Found = Awaited<ReturnType<typeof jobs.claimBackgroundJob>> & {
  /** Whether the response has not ended, whatever its webhook says. */
  isOpen?: boolean;
};

/** The job that waits for a response; undefined for a response of somebody else. */
async function jobOf(responseId: string): Promise<Found | undefined> {
  const found = await jobs.claimBackgroundJob(responseId);
  if (found.known) return found;
  // Nobody recorded it: its metadata name the attempt, which may still wait for it.
  const response = await retrieve(responseId);
  const key = attemptKeyOf(response);
  if (!key) return undefined;
  // By its own id: what was asked for may be somebody else's, and a cache has answered with ours.
  const adopted = await jobs.adoptBackground(key, response.id);
  return { ...adopted, isOpen: !isFinalUpstream(response) };
}

/** First pause before a response that cannot be read is asked for again, in ms; doubled each time. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Looks again for a while, if it cannot be said now whose a response is. There is no second webhook, and nobody can poll a
 * response whose id was not recorded. One that OpenAI does not know is somebody else's if no job waits for such a response.
 */
async function askingAgain<T>(responseId: string, look: () => Promise<T>): Promise<T> {
  const endMs = Math.min(workerAgeMs() + settlesAfterMs, environment().wallClockMs);
  for (let pauseMs = firstPauseMs;; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await look();
    } catch (error) {
      const afterMs = Math.max(pauseMs, classifyError(error).retryAfterMs ?? 0);
      if (workerAgeMs() + afterMs >= endMs || !await mayHelp(error)) throw error;
      log.warn("cannot say yet whose response a webhook reports; it is looked at again", {
        response_id: responseId,
        after_ms: afterMs,
        error: describe(error),
      });
      await new Promise<void>((resolve) => after(afterMs, resolve));
    }
  }
}

/** Whether another look may help. */
async function mayHelp(error: unknown): Promise<boolean> {
  if (error instanceof RequestError) return isUnavailable(error);
  if (classifyError(error).code !== "openai_not_found") return true;
  try {
    return await jobs.awaitsUnrecorded();
  } catch (unread) {
    if (isUnavailable(unread)) return true;
    throw unread;
  }
}

/** Settles a response that a job waits for. Reads an abandoned response too, because it may have done something. */
async function settleFound(profiles: Profiles, { work, abandoned, isOpen }: Found) {
  if (abandoned && isOpen) {
    await cancelAbandoned(profiles, abandoned);
    return undefined;
  }
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
