/** Waiting for a job on behalf of a caller. */
import * as jobs from "../db/jobs.ts";
import type { Visibility } from "../model/caller.ts";
import type { Job } from "../model/job.ts";
import { isFinal } from "../model/status.ts";
import { isUnavailable } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import { workerAgeMs } from "../platform/runtime.ts";

const firstLookMs = 150;
const slowestLookMs = 1_000;

/**
 * Waits until a job is final, for at most `waitMs` and never past this worker's own end. Polls at growing intervals, with
 * one indexed read each. Never throws: a job that cannot be read is returned as last read.
 * @param until true if there is nothing more to wait for; default: the job is final
 * @param soon resolves when it is worth reading at once
 */
export async function waitForJob(
  job: Job,
  who: Visibility,
  waitMs: number,
  workerLifeMs: number,
  until: (job: Job) => boolean = isFinal,
  soon: Promise<unknown> = new Promise(() => {}),
): Promise<Job> {
  const endMs = workerAgeMs() + Math.min(waitMs, workerLifeMs - workerAgeMs());
  let current = job;
  let ring: Promise<unknown> | undefined = soon.then(() => ring = undefined);
  for (
    let pause = firstLookMs;
    !until(current) && workerAgeMs() + pause < endMs;
    pause = Math.min(pause * 1.5, slowestLookMs)
  ) {
    await pauseFor(pause, ring);
    try {
      current = await jobs.get(job.id, who);
    } catch (error) {
      // The job is accepted, and an error would look like a refusal. So it is returned as last read.
      log.warn("cannot read a job that a caller waits for", {
        job_id: job.id,
        error: describe(error),
      });
      if (!isUnavailable(error)) break;
    }
  }
  return current;
}

async function pauseFor(ms: number, ring: Promise<unknown> | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise((resolve) => timer = setTimeout(resolve, ms));
  await (ring === undefined ? over : Promise.race([over, ring]));
  clearTimeout(timer);
}
