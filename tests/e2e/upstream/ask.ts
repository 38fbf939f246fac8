/** A query under faults, and its outcome. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { advance, flagsOf } from "../../support/job-state.ts";
import { isFinal, type JobRow, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { ProfileName } from "../../support/profiles.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone } from "../background/at-openai.ts";

export const answering = "[[plan: text all done]]";
/** Sends one email. */
export const replying = "Reply to the invoice mail";

/** Submits a query under faults, which are removed when it is accepted, unless they must stay. */
export async function submitUnder(
  test: TestStack,
  profile: ProfileName,
  query: string,
  faults: Fault[],
): Promise<string> {
  test.openai.faults.set(faults);
  const { id, status } = await test.submit(test.fresh(profile), query);
  assert.ok(status < 300, `it was answered with ${status}`);
  return id;
}

/** Lets time pass for a job and wakes a worker, repeatedly, until the job is final or waits for a person. */
export async function settledInTime(test: TestStack, id: string, stepMs = 31_000): Promise<JobRow> {
  const { sql, wake } = test;
  return await eventually(`the end of job ${id}`, async () => {
    const job = await readJob(sql, id);
    if (isFinal(job) || job.status === "needs_review" || job.status === "awaiting_approval") {
      return job;
    }
    if (job.status === "background" || job.status === "queued") await advance(sql, id, stepMs);
    await wake();
    await functionsAreDone(test);
    return undefined;
  }, { timeoutMs: 60_000, everyMs: 100 });
}

/** How many emails were sent. */
export function emailsSent({ stack }: TestStack): number {
  return stack.mailbox.sent.length;
}

/** A job's outcome, to compare. */
export async function outcomeOf(test: TestStack, id: string) {
  const job = await readJob(test.sql, id);
  return {
    status: job.status,
    error: job.error_code,
    text: job.output_text,
    attempts: await summarizeAttempts(test.sql, id),
    flags: (await flagsOf(test.sql, id)).map(({ code }) => code),
  };
}
