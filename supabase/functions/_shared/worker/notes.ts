import * as jobs from "../db/jobs.ts";
import { describe, log } from "../log.ts";

/** Notes something odd about an attempt. That it cannot be noted is no reason to throw away what it is about. */
export async function warn(fence: jobs.Fence, warning: string): Promise<void> {
  try {
    await jobs.warn(fence, warning);
  } catch (error) {
    log.warn("cannot note a warning", { job_id: fence.id, warning, error: describe(error) });
  }
}
