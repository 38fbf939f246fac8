import assert from "node:assert/strict";
import { makeDue } from "../../support/job-state.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("a claim leases the job and starts an attempt", async (machine) => {
  const { id } = await machine.submit({ input: [{ role: "user", content: "hi" }] });
  machine.clock.advance(1000);
  const [work] = await machine.claim("worker-7", 1, 45_000);
  assert.equal(work?.id, id);
  assert.equal(work?.attempt, 1);
  assert.equal(work?.status, "running");
  assert.deepEqual(work?.input, [{ role: "user", content: "hi" }]);
  assert.equal(work?.deadline_left_ms, 86_400_000 - 1000);
  const row = await machine.row(id);
  assert.equal(row["leased_by"], "worker-7");
  assert.equal(row["leased_until"].getTime() - machine.clock.now.getTime(), 45_000);
  assert.equal(row["run_at"], null);
  const [attempt] = await machine.attempts(id);
  assert.equal(attempt?.["number"], 1);
  assert.equal(attempt?.["mode"], "synchronous");
  assert.equal(attempt?.["worker"], "worker-7");
  assert.deepEqual(attempt?.["started_at"], machine.clock.now);
  assert.equal(attempt?.["outcome"], null);
});

sqlTest("a whole request is handed to the worker as it was given", async (machine) => {
  const request = { model: "gpt-6.1-sol", input: "hi", tools: [] };
  await machine.submit({ request: request });
  const [work] = await machine.claim();
  assert.deepEqual(work?.request, request);
  assert.equal(work?.input, null);
});

sqlTest("nothing due is an empty list, not null", async (machine) => {
  assert.deepEqual(await machine.claim(), []);
});

sqlTest("a job is not claimed before its run_at", async (machine) => {
  const { id } = await machine.submit();
  await setRunAt(machine, id, 10_000);
  assert.deepEqual(await machine.claim(), []);
  machine.clock.advance(9_999);
  assert.deepEqual(await machine.claim(), []);
  machine.clock.advance(1);
  assert.equal((await machine.claim()).length, 1);
});

sqlTest("at most p_limit jobs are claimed at a time", async (machine) => {
  for (let made = 0; made < 3; made++) await machine.submit();
  assert.equal((await machine.claim("worker-1", 2)).length, 2);
  assert.equal((await machine.claim("worker-1", 2)).length, 1);
  assert.equal((await machine.claim("worker-1", 2)).length, 0);
});

sqlTest("an owner's jobs go by priority, then by how long they have been due", async (machine) => {
  const late = await machine.submit();
  const early = await machine.submit();
  const urgent = await machine.submit({ priority: 10 });
  const idle = await machine.submit({ priority: -10 });
  await setRunAt(machine, early.id, -5000);
  await setRunAt(machine, idle.id, -60_000);
  const order: (string | undefined)[] = [];
  for (let claimed = 0; claimed < 4; claimed++) {
    const [work] = await machine.claim("worker-1", 1);
    order.push(work?.id);
  }
  assert.deepEqual(order, [urgent.id, early.id, late.id, idle.id]);
});

for (
  const status of [
    ...["background", "awaiting_approval", "needs_review"] as const,
    ...["completed", "failed", "cancelled"] as const,
  ]
) {
  sqlTest(`a job that is ${status} is never claimed`, async (machine) => {
    await machine.jobIn(status);
    machine.clock.advance(600_000);
    assert.deepEqual(await machine.claim(), []);
  });
}

async function setRunAt({ db, clock }: Machine, id: string, fromNowMs: number): Promise<void> {
  await makeDue(db.owner, id, new Date(clock.now.getTime() + fromNowMs));
}
