/**
 * What follows OpenAI's answer to a background request, or the lack of one. Loaded only then: the caller of a running response
 * has its answer before.
 */
import * as jobs from "../db/jobs.ts";
import { persist } from "../db/persist.ts";
import type { Job } from "../model/job.ts";
import { classifyError } from "../openai/classify.ts";
import { log } from "../platform/log.ts";
import { NotSent } from "../platform/not-sent.ts";
import type { Profiles } from "../profiles/profile.ts";
import { cancelAbandoned } from "./abandoned.ts";
import { type Attempt, leaveBackground } from "./settle.ts";

/** How long to keep trying to record a response while the database is away, in ms. */
const recordMs = 60_000;

/**
 * The request was refused, not answered, or never sent.
 * @param attempt mayAct: whether a response that nobody can read may make calls that must not be made twice
 */
export async function afterRefusal(
  job: Job,
  attempt: Attempt & { mayAct: boolean },
  error: unknown,
): Promise<Job> {
  const why = error instanceof NotSent ? error.failure : classifyError(error);
  if (why.maybeAccepted && attempt.mayAct) {
    log.warn("no answer to the background request; waiting for its webhook or the poll", {
      job_id: job.id,
      code: why.code,
    });
    return job;
  }
  return await leaveBackground(job, why);
}

/** Records a response that is still running. If the job no longer waits for it, it is cancelled. */
export async function recordRunning(
  profiles: Profiles,
  job: Job,
  responseId: string,
  requestId: string | null,
  pollMs: number,
): Promise<void> {
  const write = async () => {
    const { upstream } = await jobs.recordBackground(job, responseId, requestId, pollMs);
    if (upstream) await cancelAbandoned(profiles, upstream);
  };
  await persist(write, AbortSignal.timeout(recordMs));
}
