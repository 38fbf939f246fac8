import assert from "node:assert/strict";
import { submitted } from "../../support/machine-shapes.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { setting } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function retry(machine: Machine, id: string) {
  return submitted.parse(
    await machine.call("retry_response_job", { p_job_id: id, p_as_service: true }),
  );
}

for (const status of ["failed", "cancelled"] as const) {
  sqlTest(
    `a ${status} job is retried as a new job that is due at once and names it`,
    async (machine) => {
      const owner = await machine.db.createUser();
      const id = await machine.jobIn(status, {
        owner_id: owner,
        profile: "mail",
        metadata: { a: 1 },
        priority: 3,
        deadline_ms: 60_000,
        max_attempts: 2,
        backoff_base_ms: 5,
        backoff_cap_ms: 6,
      });
      const before = await machine.row(id);
      machine.clock.advance(3_600_000);
      const { created, job } = await retry(machine, id);
      assert.equal(created, true);
      assert.equal(job.retry_of, id);
      assert.equal(job.status, "queued");
      assert.deepEqual(job.run_at, machine.clock.now);
      assert.deepEqual(job.deadline, new Date(machine.clock.now.getTime() + 60_000));
      const row = await machine.row(job.id);
      const kept = ["owner_id", "profile", "input", "metadata", "priority", "max_attempts"];
      for (const column of [...kept, "backoff_base_ms", "backoff_cap_ms"]) {
        assert.deepEqual(row[column], before[column], column);
      }
      assert.equal(row["failures"], 0);
      assert.deepEqual(await machine.row(id), before);
    },
  );
}

sqlTest("retrying twice gives the same new job", async (machine) => {
  const id = await machine.jobIn("failed");
  const first = await retry(machine, id);
  const second = await retry(machine, id);
  assert.equal(second.created, false);
  assert.deepEqual(second.job, first.job);
});

sqlTest("ten retries at once give one new job", async (machine) => {
  const id = await machine.jobIn("failed");
  const answers = await Promise.all(Array.from({ length: 10 }, () => retry(machine, id)));
  assert.equal(new Set(answers.map(({ job }) => job.id)).size, 1);
  assert.equal(answers.filter(({ created }) => created).length, 1);
});

sqlTest("a retry that failed can be retried in its turn", async (machine) => {
  const first = await retry(machine, await machine.jobIn("failed"));
  const [work] = await machine.claim();
  assert.ok(work);
  await machine.fail(work);
  const second = await retry(machine, first.job.id);
  assert.equal(second.job.retry_of, first.job.id);
});

sqlTest("a job that waits for its backoff is made due now", async (machine) => {
  const work = await machine.submitRunning();
  await machine.call("retry_response_later", {
    p_job_id: work.id,
    p_attempt: work.attempt,
    p_error: someError,
    p_retry_after_ms: 60_000,
  });
  const { created, job } = await retry(machine, work.id);
  assert.equal(created, false);
  assert.equal(job.id, work.id);
  assert.deepEqual(job.run_at, machine.clock.now);
});

// Without needs_review, because a person who has looked may retry such a job.
const unretriable = ["background", "running", "awaiting_approval", "awaiting_tool_output"] as const;
for (const status of [...unretriable, "completed"] as const) {
  sqlTest(`a job that is ${status} cannot be retried`, async (machine) => {
    const id = await machine.jobIn(status);
    const before = await machine.row(id);
    await refused(retry(machine, id), "DR409");
    assert.deepEqual(await machine.row(id), before);
  });
}

sqlTest("a retry is one more unfinished job of its user, and counts as one", async (machine) => {
  const owner_id = await machine.db.createUser();
  await setting(machine, "max_unfinished_per_user", 1);
  const failed = await machine.jobIn("failed", { owner_id });
  const servers = await machine.jobIn("failed");
  const other = await machine.submit({ owner_id });
  await refused(retry(machine, failed), "DR429");
  // Jobs of others and of servers do not count, and a job that already waits can be made due.
  assert.equal((await retry(machine, other.id)).created, false);
  assert.equal((await retry(machine, servers)).created, true);
  await machine.call("cancel_response_job", { p_job_id: other.id, p_as_service: true });
  const first = await retry(machine, failed);
  assert.equal(first.created, true);
  // The same button again: the job exists, whatever the limit.
  assert.deepEqual(await retry(machine, failed), { created: false, job: first.job });
  await refused(machine.submit({ owner_id }), "DR429");
});
