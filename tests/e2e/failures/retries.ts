/** How often a synchronous attempt is repeated, and how soon. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { advance } from "../../support/job-state.ts";
import { query, runCase } from "./run-case.ts";

const inMs = (date: Date | null) => (date?.getTime() ?? 0) - Date.now();

export function testRetries(theStack: () => TestStack): void {
  Deno.test("tries are used up: the job fails with the last error, and says how many there were", async () => {
    const job = await runCase(theStack(), {
      name: "always broken",
      profile: "direct",
      faults: [{ kind: "server-error" }],
      status: "failed",
      error: "openai_server_error",
      attempts: Array<string>(3).fill("synchronous failed openai_server_error"),
    });
    assert.match(job.error_message ?? "", /failed attempts: 3 of at most 3/);
  });

  Deno.test("a rate limit's Retry-After is waited for, and not longer", async () => {
    const { openai, submit, fresh, finished, sql, wake } = theStack();
    openai.faults.set([{ kind: "rate-limited", retryAfterMs: 90_000, times: 1 }]);
    const { id } = await submit(fresh("direct"), query);
    const waiting = await eventually(
      "the wait",
      () => readJob(sql, id),
      ({ status, attempt }) => status === "queued" && attempt === 1,
    );
    assert.ok(inMs(waiting.run_at) > 80_000 && inMs(waiting.run_at) < 95_000);

    await advance(sql, id, 60_000);
    await wake();
    assert.equal((await readJob(sql, id)).status, "queued");
    await advance(sql, id, 31_000);
    await wake();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "synchronous failed openai_rate_limited",
      "synchronous completed",
    ]);
  });

  Deno.test("a rate limit at create in background is waited for before the synchronous run", async () => {
    const { openai, submit, fresh, finished, sql, wake } = theStack();
    openai.faults.set([{ kind: "rate-limited", retryAfterMs: 60_000, times: 1 }]);
    const { id, body } = await submit(fresh("plain"), query);
    assert.equal(body.status, "queued");
    const waiting = await readJob(sql, id);
    assert.equal(waiting.fallback_reason, "openai_rate_limited");
    assert.ok(inMs(waiting.run_at) > 50_000, String(waiting.run_at));
    await advance(sql, id, 61_000);
    await wake();
    assert.equal((await finished(id)).status, "completed");
  });

  Deno.test("a Retry-After beyond the deadline fails the job at once", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    openai.faults.set([{ kind: "rate-limited", retryAfterMs: 3_600_000, times: 1 }]);
    const { id } = await submit(fresh("direct"), query);
    const job = await finished(id);
    assert.deepEqual([job.status, job.error_code], ["failed", "deadline_exceeded"]);
    assert.deepEqual(await summarizeAttempts(sql, id), ["synchronous failed openai_rate_limited"]);
  });

  Deno.test("a job that waits past its deadline fails", async () => {
    const { openai, submit, fresh, finished, sql, wake } = theStack();
    openai.faults.set([{ kind: "rate-limited", retryAfterMs: 60_000, times: 1 }]);
    const { id } = await submit(fresh("plain"), query);
    await advance(sql, id, 3_600_000);
    await wake();
    const job = await finished(id);
    assert.deepEqual([job.status, job.error_code], ["failed", "deadline_exceeded"]);
  });
}
