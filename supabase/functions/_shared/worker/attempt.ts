import * as jobs from "../db/jobs.ts";
import type { Work } from "../db/schemas.ts";
import { planOrFailure } from "../jobs/settle.ts";
import { describe, log } from "../log.ts";
import { metadataFor } from "../openai/background.ts";
import { classifyError, type Failure } from "../openai/failure.ts";
import { judge } from "../openai/result.ts";
import { runStreamed } from "../openai/run.ts";
import { persist } from "./persist.ts";

/**
 * Runs one claimed job and writes how it ended. Nothing is thrown: what cannot even be written leaves
 * the lease to run out, and the next worker takes the job.
 * @param signal aborts when the lease is lost or the worker must hand over; then nothing is written here
 */
export async function runAttempt(work: Work, signal: AbortSignal): Promise<void> {
  const fields = { job_id: work.id, attempt: work.attempt };
  try {
    const write = await attempt(work, signal);
    if (write === undefined) return;
    const current = await persist(write, signal);
    if (!current) log.warn("result dropped: the job has moved on", fields);
  } catch (error) {
    log.error("cannot write how the attempt ended; its lease will run out", {
      ...fields,
      error: describe(error),
    });
  }
}

type Write = () => Promise<unknown>;

async function attempt(work: Work, signal: AbortSignal): Promise<Write | undefined> {
  try {
    const planned = await planOrFailure(work);
    if ("failure" in planned) return end(work, planned.failure);
    const { body, budgets, output } = planned.plan;
    const result = await runStreamed(
      { ...body, metadata: { ...body.metadata, ...metadataFor(work) } },
      {
        attemptMs: budgets.attempt_ms,
        stallMs: budgets.stall_ms,
        deadlineMs: work.deadline_left_ms,
      },
      { signal },
    );
    if (result.kind === "aborted") return undefined;
    const { requestId } = result;
    if (result.kind === "failed") return end(work, withRequestId(result.failure, requestId));
    const verdict = judge(result.outcome, output);
    if (verdict.kind === "fail") return end(work, withRequestId(verdict.failure, requestId));
    return () => jobs.complete(work, result.outcome, verdict.parsed, requestId);
  } catch (error) {
    log.error("attempt failed unexpectedly", { job_id: work.id, error: describe(error) });
    return end(work, classifyError(error));
  }
}

/** What another try may mend is queued again; the rest fails the job. */
function end(work: Work, why: Failure): Write {
  return () => why.class === "transient" ? jobs.retryLater(work, why) : jobs.fail(work, why);
}

function withRequestId(why: Failure, requestId: string | null): Failure {
  return why.requestId || !requestId ? why : { ...why, requestId };
}
