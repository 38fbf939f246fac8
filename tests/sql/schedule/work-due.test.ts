import assert from "node:assert/strict";
import { makeDue } from "../../support/job-state.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function due(machine: Machine): Promise<boolean> {
  const answer = await machine.call("response_work_due");
  assert.equal(typeof answer, "boolean");
  return answer === true;
}

sqlTest("an empty database has nothing due", async (machine) => {
  assert.equal(await due(machine), false);
});

sqlTest("a queued job is due from its run_at on", async (machine) => {
  const { id } = await machine.submit();
  assert.equal(await due(machine), true);
  const later = new Date(machine.clock.now.getTime() + 10_000);
  await machine.asService((sql) => makeDue(sql, id, later));
  assert.equal(await due(machine), false);
  machine.clock.advance(10_000);
  assert.equal(await due(machine), true);
});

sqlTest("a running job is due when its lease has run out", async (machine) => {
  await machine.submitRunning();
  machine.clock.advance(29_999);
  assert.equal(await due(machine), false);
  machine.clock.advance(1);
  assert.equal(await due(machine), true);
});

sqlTest("a background job is due when it is to be polled", async (machine) => {
  await machine.submitBackground("resp_1");
  assert.equal(await due(machine), false);
  machine.clock.advance(30_000);
  assert.equal(await due(machine), true);
});

for (
  const [status, limit] of [["awaiting_approval", "approval_ms"], [
    "needs_review",
    "review_ms",
  ]] as const
) {
  sqlTest(
    `a job that is ${status} is due when the question expires, and not at its deadline`,
    async (machine) => {
      await machine.jobIn(status, { deadline_ms: 30_000, [limit]: 60_000 });
      machine.clock.advance(59_999);
      assert.equal(await due(machine), false);
      machine.clock.advance(1);
      assert.equal(await due(machine), true);
    },
  );
}

sqlTest("an unconfirmed cancellation is due until it is confirmed", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  assert.equal(await due(machine), true);
  await machine.call("confirm_upstream_cancel", { p_job_id: id, p_attempt: 1 });
  assert.equal(await due(machine), false);
});

sqlTest("finished jobs are never due", async (machine) => {
  for (const status of ["completed", "failed", "cancelled"] as const) await machine.jobIn(status);
  machine.clock.advance(3_600_000);
  assert.equal(await due(machine), false);
});
