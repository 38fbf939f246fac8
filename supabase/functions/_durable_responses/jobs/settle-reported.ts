/** Settling what a webhook reports. The function that receives it loads this after its answer. */
import * as jobs from "../db/jobs.ts";
import type { AttemptKey, Job } from "../model/job.ts";
import { isResponseId } from "../model/response-id.ts";
import { isFinalUpstream, type UpstreamResponse } from "../model/upstream-response.ts";
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
  const settled = found && await settleFound(profiles, found, sendYesHere(profiles));
  if (settled?.status === "queued") await wakeWorker("openai-webhook");
}

/**
 * Settles the job of a response whose webhook came earlier, when it could not be read.
 * @returns the job if it changed
 * @throws what keeps it from being read: it is asked for again
 */
export async function settleUnread(
  profiles: Profiles,
  responseId: string,
  sendYes?: Continue,
): Promise<Job | undefined> {
  const found = await jobOf(responseId);
  await jobs.forgetUnreadWebhook(responseId);
  return found && await settleFound(profiles, found, sendYes);
}

type Found = Awaited<ReturnType<typeof jobs.claimBackgroundJob>> & {
  /** The response, if it was read to find its job. */
  response?: UpstreamResponse;
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
  const { other } = adopted;
  if (!other || await isOf(key, other)) return { ...adopted, response };
  return { ...await jobs.adoptBackground(key, response.id, other), response };
}

/** Whether a response says that it is an attempt's. One that is not there, or says nothing, was never confirmed. */
async function isOf(key: AttemptKey, responseId: string): Promise<boolean> {
  try {
    const named = attemptKeyOf(await retrieve(responseId));
    return named?.id === key.id && named.attempt === key.attempt;
  } catch (error) {
    if (classifyError(error).code === "openai_not_found") return false;
    throw error;
  }
}

/** First pause before a response that cannot be read is asked for again, in ms; doubled each time. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Looks again for a while, if it cannot be said now whose a response is: nobody can poll a response whose id was not recorded, and
 * there is no second webhook. After that, or if this function is killed, the poll asks for it. One that OpenAI does not know is
 * somebody else's if no job waits for such a response.
 */
async function askingAgain<T>(responseId: string, look: () => Promise<T>): Promise<T> {
  const endMs = Math.min(workerAgeMs() + settlesAfterMs, environment().wallClockMs);
  for (let pauseMs = firstPauseMs;; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      const found = await look();
      if (pauseMs > firstPauseMs) await jobs.forgetUnreadWebhook(responseId);
      return found;
    } catch (error) {
      const afterMs = Math.max(pauseMs, classifyError(error).retryAfterMs ?? 0);
      if (!await mayHelp(responseId, error) || workerAgeMs() + afterMs >= endMs) throw error;
      log.warn("cannot say yet whose response a webhook reports; it is looked at again", {
        response_id: responseId,
        after_ms: afterMs,
        error: describe(error),
      });
      await new Promise<void>((resolve) => after(afterMs, resolve));
    }
  }
}

/** Whether another look may help. Then the poll will look, too. */
async function mayHelp(responseId: string, error: unknown): Promise<boolean> {
  if (error instanceof RequestError) return isUnavailable(error);
  try {
    const isUnknown = classifyError(error).code === "openai_not_found";
    return await jobs.keepUnreadWebhook(responseId, isUnknown);
  } catch (unkept) {
    if (isUnavailable(unkept)) return true;
    throw unkept;
  }
}

/** Settles a response that a job waits for. Reads an abandoned response too, because it may have done something. */
async function settleFound(
  profiles: Profiles,
  { work, abandoned, response }: Found,
  sendYes?: Continue,
): Promise<Job | undefined> {
  const isOpen = response !== undefined && !isFinalUpstream(response);
  if (abandoned && isOpen) {
    await cancelAbandoned(profiles, abandoned);
    return undefined;
  }
  // What was read counts, whatever OpenAI, or a proxy that changes ids, says to another request.
  if (work) return await settleBackground(profiles, work, sendYes, isOpen ? undefined : response);
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
