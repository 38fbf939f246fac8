/** One query under faults, to its end, and what OpenAI was asked meanwhile. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { type JobRow, summarizeAttempts } from "../../support/jobs.ts";
import type { ProfileName } from "../../support/profiles.ts";
import type { TestStack } from "../../support/stack.ts";

export interface FailureCase {
  name: string;
  profile: ProfileName;
  query?: string;
  faults: Fault[];
  status: "completed" | "failed";
  fallback?: string;
  /** The job's error code. */
  error?: string;
  /** One line for each attempt: mode, outcome, error code. */
  attempts: string[];
  /** Creates that OpenAI got: in background, and streamed. Default: one for each attempt. */
  creates?: { background: number; streamed: number };
}

export const query = "[[plan: text all done]]";

/** Submits, waits for the end, and checks everything that the case says. */
export async function runCase(test: TestStack, failure: FailureCase): Promise<JobRow> {
  const { openai, submit, fresh, finished, sql } = test;
  const before = openai.counts();
  openai.faults.set(failure.faults);
  try {
    const answer = await submit(fresh(failure.profile), failure.query ?? query);
    const job = await finished(answer.id);
    const attempts = await summarizeAttempts(sql, answer.id);
    const after = openai.counts();
    const expected = failure.creates ?? {
      background: failure.attempts.filter((line) => line.startsWith("background")).length,
      streamed: failure.attempts.filter((line) => line.startsWith("synchronous")).length,
    };
    assert.deepEqual({
      status: job.status,
      fallback: job.fallback_reason,
      error: job.error_code,
      attempts,
      creates: {
        background: after.create_background - before.create_background,
        streamed: after.create_stream - before.create_stream,
      },
    }, {
      status: failure.status,
      fallback: failure.fallback ?? null,
      error: failure.error ?? null,
      attempts: failure.attempts,
      creates: expected,
    });
    return job;
  } finally {
    openai.faults.clear();
  }
}
