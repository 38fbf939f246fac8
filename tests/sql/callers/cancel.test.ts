import assert from "node:assert/strict";
import { cancelled } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function cancel(machine: Machine, id: string) {
  return cancelled.parse(
    await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true }),
  );
}

const cancellable = ["queued", "running", "awaiting_approval", "awaiting_tool_output"] as const;
for (const status of [...cancellable, "needs_review"] as const) {
  sqlTest(
    `a job that is ${status} becomes cancelled, with nothing to cancel at OpenAI`,
    async (machine) => {
      const id = await machine.jobIn(status);
      machine.clock.advance(1000);
      const { job, upstream } = await cancel(machine, id);
      assert.equal(job.status, "cancelled");
      assert.deepEqual(job.finished_at, machine.clock.now);
      assert.equal(job.error, null);
      assert.equal(upstream, null);
      const attempts = await machine.attempts(id);
      assert.ok(attempts.every((attempt) => attempt["outcome"] !== null || status !== "running"));
    },
  );
}

sqlTest("a running job's attempt ends as cancelled", async (machine) => {
  const id = await machine.jobIn("running");
  await cancel(machine, id);
  const [attempt] = await machine.attempts(id);
  assert.equal(attempt?.["outcome"], "cancelled");
  assert.deepEqual(attempt?.["finished_at"], machine.clock.now);
});

sqlTest(
  "a background response is named for cancelling and stays marked until that is confirmed",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    const { job, upstream } = await cancel(machine, id);
    assert.equal(job.status, "cancelled");
    assert.deepEqual(upstream, { job_id: id, attempt: 1, response_id: "resp_1" });
    const [attempt] = await machine.attempts(id);
    assert.equal(attempt?.["cancel_pending"], true);
    assert.equal(attempt?.["outcome"], "cancelled");
  },
);

sqlTest(
  "a background job that OpenAI has not answered yet has nothing to cancel there",
  async (machine) => {
    const { id } = await machine.submit({ mode: "background" });
    const { upstream } = await cancel(machine, id);
    assert.equal(upstream, null);
    assert.equal((await machine.attempts(id))[0]?.["cancel_pending"], false);
  },
);

sqlTest("a second cancel returns the cancelled job unchanged", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  const first = await cancel(machine, id);
  machine.clock.advance(1000);
  const second = await cancel(machine, id);
  assert.deepEqual(second, { job: first.job, upstream: null });
});

for (const status of ["completed", "failed"] as const) {
  sqlTest(`a ${status} job cannot be cancelled`, async (machine) => {
    const id = await machine.jobIn(status);
    const before = await machine.row(id);
    const error = await refused(cancel(machine, id), "DR409");
    assert.match(error.message, new RegExp(`already ${status}`));
    assert.deepEqual(await machine.row(id), before);
  });
}

sqlTest("the owner can cancel with the user's id alone", async (machine) => {
  const owner = await machine.db.createUser();
  const { id } = await machine.submit({ owner_id: owner });
  await machine.call("cancel_response_job", { p_job_id: id, p_owner_id: owner });
  assert.equal((await machine.row(id))["status"], "cancelled");
});
