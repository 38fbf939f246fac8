/** Waits for a job's end. */
import { JobCancelledError, JobFailedError, WaitTimeoutError } from "./errors.ts";
import { type CompletedJob, isFinal, type Job } from "./types/job.ts";
import type { Update } from "./types/update.ts";

export interface ResultOptions {
  signal?: AbortSignal | undefined;
  /** Longest wait, in ms. Default: no limit. The job continues afterwards. */
  timeout?: number;
}

/**
 * Reads updates until the job is final.
 * @throws JobFailedError, JobCancelledError, WaitTimeoutError, any error of watching, or the signal's reason
 */
export async function resultOf<J extends Job>(
  id: string,
  watch: (signal: AbortSignal | undefined) => AsyncIterable<Update<J>>,
  { signal, timeout }: ResultOptions,
): Promise<CompletedJob<J>> {
  const late = new AbortController();
  const timer = timeout === undefined ? undefined : setTimeout(() => {
    late.abort(
      new WaitTimeoutError(
        "wait_timeout",
        `Cannot wait longer for job ${id}: ${timeout} ms have passed`,
        {
          hint: "The job continues. Ask for its result again",
        },
      ),
    );
  }, timeout);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    for await (const update of watch(either)) {
      if (update.type === "job" && isFinal(update.job)) {
        return completed(update.job);
      }
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`Cannot tell how job ${id} ended: its updates ended first`);
}

function completed<J extends Job>(job: J): CompletedJob<J> {
  if (job.status === "failed") throw new JobFailedError(job);
  if (!isCompleted(job)) throw new JobCancelledError(job);
  return job;
}

function isCompleted<J extends Job>(job: J): job is CompletedJob<J> {
  return job.status === "completed" && job.output !== null &&
    job.finished_at !== null;
}
