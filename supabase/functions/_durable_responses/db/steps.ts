/** The SQL functions for the ledger of an attempt. */
import type { AttemptKey } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import * as z from "../model/zod.ts";
import { callStoring as call } from "./call-storing.ts";
import { masked } from "./sanitize.ts";

const args = ({ id, attempt }: AttemptKey, steps: Step[]) => ({
  p_job_id: id,
  p_attempt: attempt,
  p_steps: masked(steps),
});

/** @returns false if the attempt has ended: the run must stop */
export const saveSteps = (key: AttemptKey, steps: Step[]) =>
  call("save_response_steps", args(key, steps), z.boolean());

/**
 * Saves what is about to be done.
 * @param continuing whether it is the request that continues the run in background
 * @returns false if the attempt has ended: it must not be done, and nothing was written
 */
export const announceSteps = (key: AttemptKey, steps: Step[], continuing: boolean) =>
  call("save_response_steps", {
    ...args(key, steps),
    p_announced: true,
    p_continuing: continuing,
  }, z.boolean());

/**
 * The request that was to continue the run in background was not sent, or was refused.
 * @param steps its calls, as void
 * @returns false if the job has moved on
 */
export const withdrawContinuation = (key: AttemptKey, steps: Step[]) =>
  call("withdraw_continuation", args(key, steps), z.boolean());
