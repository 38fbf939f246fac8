import assert from "node:assert/strict";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest(
  "a job whose lease ran out is queued again by the next claim, its attempt lost",
  async (machine) => {
    const { id } = await machine.submitRunning();
    machine.clock.advance(29_999);
    await machine.claim("worker-2", 0);
    assert.equal((await machine.row(id))["status"], "running");
    machine.clock.advance(1);
    await machine.claim("worker-2", 0);
    const row = await machine.row(id);
    assert.equal(row["status"], "queued");
    assert.equal(row["failures"], 1);
    assert.equal(row["leased_by"], null);
    const [attempt] = await machine.attempts(id);
    assert.equal(attempt?.["outcome"], "lost");
    assert.equal(attempt?.["error_code"], "worker_lost");
    assert.match(attempt?.["error_message"], /worker-1/);
    assert.deepEqual(attempt?.["finished_at"], machine.clock.now);
  },
);

sqlTest("it comes back within its backoff, as the next attempt", async (machine) => {
  const { id } = await machine.submitRunning({ backoff_base_ms: 8000, backoff_cap_ms: 60_000 });
  machine.clock.advance(30_000);
  await machine.claim("worker-2", 0);
  const wait = (await machine.row(id))["run_at"].getTime() - machine.clock.now.getTime();
  assert.ok(wait >= 0 && wait < 8000, `${wait} ms`);
  machine.clock.advance(8000);
  const [work] = await machine.claim("worker-2");
  assert.equal(work?.id, id);
  assert.equal(work?.attempt, 2);
  assert.equal(work?.failures, 1);
});

sqlTest("a job that is lost as often as it may be tried fails, and says so", async (machine) => {
  const { id } = await machine.submit({
    max_attempts: 3,
    backoff_base_ms: 1,
    backoff_cap_ms: 1,
  });
  for (let tried = 1; tried <= 3; tried++) {
    const [work] = await machine.claim(`worker-${tried}`);
    assert.equal(work?.attempt, tried);
    machine.clock.advance(60_000);
    await machine.claim("other", 0);
    machine.clock.advance(1);
  }
  const row = await machine.row(id);
  assert.equal(row["status"], "failed");
  assert.equal(row["error_code"], "worker_lost");
  assert.match(row["error_message"], /\(failed attempts: 3 of at most 3\)$/);
  assert.ok(row["error_hint"]);
  const outcomes = (await machine.attempts(id)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["lost", "lost", "lost"]);
});

sqlTest("a lost job whose deadline has passed fails", async (machine) => {
  const { id } = await machine.submitRunning({ deadline_ms: 20_000 });
  machine.clock.advance(30_000);
  await machine.claim("worker-2");
  const row = await machine.row(id);
  assert.equal(row["status"], "failed");
  assert.equal(row["error_code"], "deadline_exceeded");
  assert.match(row["error_message"], /worker_lost/);
});
