/** Background jobs whose response cannot be settled: failures are counted, and end with the background budget. */
import * as jobs from "../db/jobs.ts";
import type { Failure } from "../model/failure.ts";
import type { Job, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { log } from "../platform/log.ts";
import { makeFailure } from "../platform/make-failure.ts";

/** Why a response could not be settled now. */
export class Unsettled {
  /**
   * @param lasting whether it will be the same at the next poll
   * @param steps what is known of what it did
   * @param unwritten whether it was read, and only its result could not be written
   * @param readings after how many it is taken for what it is, although its budget has not ended: only of one that has failed
   */
  constructor(
    readonly failure: Failure,
    readonly lasting: boolean,
    readonly steps: Step[] = [],
    readonly unwritten = false,
    readonly readings = Infinity,
  ) {}
}

/** Whether a response about which nothing is known may make, or may have made, a call that must not be made twice. */
export function mayHaveActed(work: Work): boolean {
  return work.on_uncertain === "review" && work.calls_started || mayActUnasked(work);
}

/** Whether a response may make such calls without a yes. */
export function mayActUnasked(work: Work): boolean {
  return work.on_uncertain === "review" && work.once_tools && !work.guarded;
}

/** The failure of a response that did not end in its budget. */
export function stuckBecause(still: string): Failure {
  return makeFailure(
    "background_stuck",
    `Cannot wait for the background response any longer: ${still}`,
  );
}

/** How often a problem that may be temporary is checked before we give up, once the budget has ended. */
const maxFailures = 5;
/** First pause between checks once the budget has ended, in ms; doubled each time. */
const firstPauseMs = 2_000;
const longestPauseMs = 30_000;

/**
 * Waits for a response that cannot be settled now: at its polling interval while its budget lasts, then a few more times if
 * that may help and its tools may have acted, or its result is known and only not written. After that, a person decides. If its response can have done no harm, the job
 * falls back as soon as its budget ends. The cancel of the response itself is repeated until it is confirmed.
 * @returns the job if it changed
 */
export async function waitOn(
  work: Work,
  { failure, lasting, steps, unwritten, readings }: Unsettled,
): Promise<Job | undefined> {
  const failures = work.settle_failures + 1;
  const budgetLeft = work.deadline_left_ms > 0 && (work.background_left_ms ?? 0) > 0;
  const afterMs = budgetLeft ? failure.retryAfterMs ?? null : pauseAfter(failures, failure);
  const mayHelp = budgetLeft ||
    work.deadline_left_ms > 0 && (unwritten || mayHaveActed(work)) && !lasting &&
      failures < maxFailures;
  const waitsLonger = mayHelp && failures < readings;
  log.warn("cannot settle a background response", {
    job_id: work.id,
    code: failure.code,
    error: failure.message,
    failures,
  });
  if (waitsLonger) {
    await jobs.recordSettleFailure(work, failure, afterMs, readings < Infinity);
    return undefined;
  }
  const times = failures === 1 ? "" : `, ${failures} times`;
  const why = `its response could not be settled${times}: ${failure.message}`;
  if (work.deadline_left_ms <= 0) {
    const late = `Cannot finish the job before its deadline: ${why}`;
    return await jobs.fail(work, makeFailure("deadline_exceeded", late), steps, true);
  }
  const code = failure.code === "background_stuck" ? "background_stuck" : "background_unreadable";
  const given = makeFailure(code, `Cannot wait for the background response any longer: ${why}`, {
    ...(failure.type === undefined ? {} : { type: failure.type }),
    ...(failure.requestId === undefined ? {} : { requestId: failure.requestId }),
  });
  return await jobs.fallBack(work, given, steps, { unknown: true, running: true });
}

function pauseAfter(failures: number, { retryAfterMs = 0 }: Failure): number {
  return Math.max(retryAfterMs, Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs));
}
