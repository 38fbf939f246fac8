import * as jobs from "../db/jobs.ts";
import type { Fence } from "../model/rows.ts";
import { describe, log } from "../platform/log.ts";

/** Notes something odd about an attempt. That it cannot be noted is no reason to throw away what it is about. */
export async function warn(fence: Fence, warning: string): Promise<void> {
  try {
    await jobs.warn(fence, warning);
  } catch (error) {
    log.warn("cannot note a warning", { job_id: fence.id, warning, error: describe(error) });
  }
}
