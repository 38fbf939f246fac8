import * as jobs from "../db/jobs.ts";
import type { Visibility } from "../model/caller.ts";
import { isFinal, type Job } from "../model/rows.ts";
import { workerAgeMs } from "../platform/runtime.ts";

const FIRST_LOOK_MS = 150;
const SLOWEST_LOOK_MS = 1_000;

/**
 * Waits until a job is over, for at most `waitMs` and never past this worker's own end.
 * Looks again at growing intervals: one indexed read each.
 * @param isOver when there is nothing more to wait for; default: when the job is final
 */
export async function waitForJob(
  job: Job,
  who: Visibility,
  waitMs: number,
  workerLifeMs: number,
  isOver: (job: Job) => boolean = isFinal,
): Promise<Job> {
  const until = workerAgeMs() + Math.min(waitMs, workerLifeMs - workerAgeMs());
  let current = job;
  for (
    let pause = FIRST_LOOK_MS;
    !isOver(current) && workerAgeMs() + pause < until;
    pause = Math.min(pause * 1.5, SLOWEST_LOOK_MS)
  ) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    current = await jobs.get(job.id, who);
  }
  return current;
}
