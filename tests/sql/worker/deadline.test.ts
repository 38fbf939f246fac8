import assert from "node:assert/strict";
import { sqlTest } from "../../support/sql-test.ts";

for (const status of ["queued", "awaiting_approval"] as const) {
  sqlTest(
    `a job that is ${status} past its deadline is failed by the next claim`,
    async (machine) => {
      const id = await machine.jobIn(status, { p_deadline_ms: 60_000 });
      machine.clock.advance(59_999);
      await machine.claim("worker-1", 0);
      assert.equal((await machine.row(id))["status"], status);
      machine.clock.advance(1);
      assert.deepEqual(await machine.claim(), []);
      const row = await machine.row(id);
      assert.equal(row["status"], "failed");
      assert.equal(row["error_code"], "deadline_exceeded");
      assert.match(
        row["error_message"],
        new RegExp(`2030-01-01T12:01:00Z and it was still ${status}`),
      );
      assert.deepEqual(row["finished_at"], machine.clock.now);
    },
  );
}

sqlTest("a claim hands out jobs although others are past their deadline", async (machine) => {
  await machine.submit({ p_deadline_ms: 1000 });
  const { id } = await machine.submit();
  machine.clock.advance(5000);
  assert.deepEqual((await machine.claim()).map((work) => work.id), [id]);
});

sqlTest("a job that is running at its deadline is left to its worker", async (machine) => {
  const { id, attempt } = await machine.submitRunning({ p_deadline_ms: 10_000 });
  machine.clock.advance(20_000);
  await machine.claim("worker-2");
  assert.equal((await machine.row(id))["status"], "running");
  assert.equal((await machine.complete({ id, attempt })).status, "completed");
});
