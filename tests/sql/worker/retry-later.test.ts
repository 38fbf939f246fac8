import assert from "node:assert/strict";
import { jobView } from "../../support/machine-shapes.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const backoff = { backoff_base_ms: 1000, backoff_cap_ms: 4000, max_attempts: 100 };

async function retryLater(machine: Machine, id: string, attempt: number, afterMs?: number) {
  return jobView.parse(
    await machine.call("retry_response_later", {
      p_job_id: id,
      p_attempt: attempt,
      p_error: someError,
      ...(afterMs !== undefined && { p_retry_after_ms: afterMs }),
    }),
  );
}

function waitOf(machine: Machine, job: { run_at: Date | null }): number {
  return (job.run_at?.getTime() ?? NaN) - machine.clock.now.getTime();
}

sqlTest("a failed try is queued again, counted, and its attempt says why", async (machine) => {
  const { id, attempt } = await machine.submitRunning(backoff);
  const job = await retryLater(machine, id, attempt);
  assert.equal(job.status, "queued");
  assert.equal((await machine.row(id))["failures"], 1);
  const [tried] = await machine.attempts(id);
  assert.equal(tried?.["outcome"], "failed");
  assert.equal(tried?.["error_code"], "openai_server_error");
});

sqlTest("the wait doubles with each failure up to the cap, with full jitter", async (machine) => {
  const { id } = await machine.submit(backoff);
  for (const limit of [1000, 2000, 4000, 4000, 4000]) {
    const [work] = await machine.claim();
    assert.ok(work);
    const wait = waitOf(machine, await retryLater(machine, id, work.attempt));
    assert.ok(wait > 0 && wait <= limit, `${wait} ms, limit ${limit} ms`);
    machine.clock.advance(limit);
  }
});

sqlTest("the jitter uses the whole range, from 1 ms to the step", async ({ db }) => {
  const rows = await db.owner<{ lowest: number; highest: number; kinds: number }[]>`
    select min(ms)::float as lowest, max(ms)::float as highest, count(distinct ms)::int as kinds
    from (select durable_responses.backoff_ms(3, 1000, 300000) as ms from generate_series(1, 2000)) waits
  `;
  const [{ lowest, highest, kinds } = { lowest: NaN, highest: NaN, kinds: NaN }] = rows;
  assert.ok(lowest >= 1 && lowest < 200, `${lowest}`);
  assert.ok(highest > 3800 && highest <= 4000, `${highest}`);
  assert.ok(kinds > 500, `${kinds}`);
});

sqlTest("any number of failures keeps to the cap", async ({ db }) => {
  const [row] = await db.owner`
    select max(durable_responses.backoff_ms(failures, 2000000000, 2147483647)) as longest
    from generate_series(0, 1000) failures
  `;
  assert.ok(row?.["longest"] <= 2_147_483_647);
});

sqlTest("a Retry-After is a floor, even above the cap", async (machine) => {
  const { id, attempt } = await machine.submitRunning(backoff);
  const wait = waitOf(machine, await retryLater(machine, id, attempt, 60_000));
  assert.ok(wait > 60_000 && wait <= 61_000, `${wait} ms`);
});

sqlTest(
  "when its tries are used up the job fails with the last error and the count",
  async (machine) => {
    const { id, attempt } = await machine.submitRunning({ ...backoff, max_attempts: 1 });
    const job = await retryLater(machine, id, attempt);
    assert.equal(job.status, "failed");
    assert.deepEqual(job.error, {
      code: "openai_server_error",
      message: "Cannot answer (failed attempts: 1 of at most 1)",
    });
  },
);

sqlTest(
  "when the next try would come after the deadline the job fails at once",
  async (machine) => {
    const { id, attempt } = await machine.submitRunning({ ...backoff, deadline_ms: 30_000 });
    const job = await retryLater(machine, id, attempt, 30_000);
    assert.equal(job.status, "failed");
    assert.equal(job.error?.code, "deadline_exceeded");
    assert.match(job.error?.message ?? "", /openai_server_error: Cannot answer/);
    assert.match(job.error?.message ?? "", /2030-01-01T12:00:30Z/);
  },
);
