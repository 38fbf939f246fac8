/** Waiting for a job on behalf of a caller. */
import * as jobs from "../db/jobs.ts";
import type { Visibility } from "../model/caller.ts";
import type { Job } from "../model/job.ts";
import { isFinal } from "../model/status.ts";
import { workerAgeMs } from "../platform/runtime.ts";

const firstLookMs = 150;
const slowestLookMs = 1_000;

/**
 * Waits until a job is final, for at most `waitMs` and never past this worker's own end.
 * Looks again at growing intervals: one indexed read each.
 * @param until when there is nothing more to wait for; default: when the job is final
 */
export async function waitForJob(
  job: Job,
  who: Visibility,
  waitMs: number,
  workerLifeMs: number,
  until: (job: Job) => boolean = isFinal,
): Promise<Job> {
  const endMs = workerAgeMs() + Math.min(waitMs, workerLifeMs - workerAgeMs());
  let current = job;
  for (
    let pause = firstLookMs;
    !until(current) && workerAgeMs() + pause < endMs;
    pause = Math.min(pause * 1.5, slowestLookMs)
  ) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    current = await jobs.get(job.id, who);
  }
  return current;
}
