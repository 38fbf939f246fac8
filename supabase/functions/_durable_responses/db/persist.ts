/** Writes that must not be lost, and writes that may be lost. */
import type { AttemptKey } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { isStale, isUnavailable } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import * as jobs from "./jobs.ts";

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/**
 * Writes what OpenAI did, and keeps trying while the database is away, because the work is done and paid for. Gives up when
 * `signal` aborts (lease lost, worker ending). Then another worker has to find out.
 * @returns false if the write came too late: another worker has the job
 */
export async function persist(
  write: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<boolean> {
  for (let pause = firstPauseMs;; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      await write();
      return true;
    } catch (error) {
      if (isStale(error)) return false;
      if (!isUnavailable(error) || signal.aborted) throw error;
      log.warn("cannot write yet, the database is away", { pause_ms: pause });
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}

/**
 * Records something unusual about an attempt in its history: `response_attempts.warnings`, which the job's owner reads. Tried
 * once: if it fails, that is no reason to throw away the attempt's result.
 * @param details for operators only, who read the log: what a profile or a server has and does not offer
 */
export async function recordWarning(
  key: AttemptKey,
  warning: string,
  details?: string,
): Promise<void> {
  if (details !== undefined) log.warn(warning, { job_id: key.id, details });
  try {
    await jobs.warn(key, warning);
  } catch (error) {
    log.warn("cannot record a warning", { job_id: key.id, warning, error: describe(error) });
  }
}

/** Records that a route ignores `require_approval`. Tried once, because the next such call records it again. */
export async function recordUnapprovedCall(key: AttemptKey, call: Step): Promise<void> {
  const { tool, server_label } = call;
  const detail =
    `${tool} at ${server_label} was called without the required yes: its API ignores require_approval`;
  log.warn("a call was made without the required yes", { job_id: key.id, detail });
  try {
    await jobs.recordIgnoredApproval(key, detail);
  } catch (error) {
    log.warn("cannot record that approval is ignored", { job_id: key.id, error: describe(error) });
  }
}
