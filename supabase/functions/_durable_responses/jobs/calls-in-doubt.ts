/** Reviews that a profile can answer: it is asked whether the calls in doubt were made (`was_made`). */
import { answerCallInDoubt, claimCallsInDoubt, type Doubt } from "../db/doubts.ts";
import { describe, log } from "../platform/log.ts";
import type { Profiles } from "../profiles/profile.ts";
import { askWasMade } from "../tools/was-made.ts";

/** How many jobs are asked about together. */
const batch = 20;

/**
 * Asks about the jobs that are due, and answers their reviews. What cannot be found out is asked again later, then left to a
 * person.
 * @param asked the profiles that can be asked, by name
 * @returns whether a job may be due at once
 */
export async function askAboutCallsInDoubt(profiles: Profiles, asked: string[]): Promise<boolean> {
  const due = await claimCallsInDoubt(asked, batch);
  const answered = await Promise.all(
    due.map((job) =>
      askAbout(profiles, job).catch((error: unknown) => {
        log.warn("cannot answer a review in the profile's name; it is asked again later", {
          job_id: job.id,
          error: describe(error),
        });
        return false;
      })
    ),
  );
  return due.length === batch || answered.includes(true);
}

/** @returns whether the job is no longer held */
async function askAbout(profiles: Profiles, job: Doubt): Promise<boolean> {
  const profile = Object.hasOwn(profiles, job.profile) ? profiles[job.profile] : undefined;
  if (profile === undefined) return false;
  const answered = await Promise.all((job.calls ?? []).map(async (call) => {
    const found = await askWasMade(profile, job, call);
    if (found === undefined) return undefined;
    const status = await answerCallInDoubt(job, call, found);
    log.info(
      status === null ? "an answer of was_made comes too late" : "was_made has answered a review",
      { job_id: job.id, server: call.server_label, tool: call.tool, happened: found.happened },
    );
    return status;
  }));
  return answered.includes("queued");
}
