import * as jobs from "../db/jobs.ts";
import type { Visibility } from "../model/caller.ts";
import type { Job } from "../model/job.ts";
import { isFinal } from "../model/status.ts";
import { workerAgeMs } from "../platform/runtime.ts";

const FIRST_LOOK_MS = 150;
const SLOWEST_LOOK_MS = 1_000;

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
    let pause = FIRST_LOOK_MS;
    !until(current) && workerAgeMs() + pause < endMs;
    pause = Math.min(pause * 1.5, SLOWEST_LOOK_MS)
  ) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    current = await jobs.get(job.id, who);
  }
  return current;
}
