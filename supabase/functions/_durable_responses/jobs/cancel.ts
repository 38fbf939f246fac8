/** Cancelling: the job here, its response at OpenAI. */
import * as jobs from "../db/jobs.ts";
import type { Visibility } from "../model/caller.ts";
import type { Job } from "../model/job.ts";
import { waitUntil } from "../platform/runtime.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned } from "./abandoned.ts";

/** Cancels a job: first in the database, which is what counts, then at OpenAI. */
export async function cancelJob(profiles: Profiles, id: string, who: Visibility): Promise<Job> {
  const { job, upstream } = await jobs.cancel(id, who);
  if (upstream) waitUntil(cancelAbandoned(profiles, upstream));
  return job;
}
