/** Cancelling: the job here, its response at OpenAI. */
import * as jobs from "../db/jobs.ts";
import type { Visibility } from "../model/caller.ts";
import type { Job, Upstream } from "../model/job.ts";
import { cancelUpstream } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { describe, log } from "../platform/log.ts";
import { waitUntil } from "../platform/runtime.ts";

/** Cancels a job: in the database first, which is what counts, then at OpenAI. */
export async function cancelJob(id: string, who: Visibility): Promise<Job> {
  const { job, upstream } = await jobs.cancel(id, who);
  if (upstream) waitUntil(cancelOrphan(upstream));
  return job;
}

/**
 * Cancels a background response that no job waits for any more. Its attempt stays marked until that is
 * confirmed, so what fails here is done by the next worker.
 */
export async function cancelOrphan(upstream: Upstream): Promise<void> {
  try {
    await cancelUpstream(upstream.response_id);
  } catch (error) {
    const why = classifyError(error);
    // Unknown to OpenAI, or not cancellable any more: nothing of it is left running.
    if (why.class !== "permanent") {
      log.warn("cannot cancel at OpenAI yet; the next worker will", {
        job_id: upstream.job_id,
        code: why.code,
      });
      return;
    }
  }
  try {
    await jobs.confirmCancel(upstream);
  } catch (error) {
    log.warn("cannot note the cancel; the next worker will", {
      job_id: upstream.job_id,
      error: describe(error),
    });
  }
}
