import assert from "node:assert/strict";
import type { Row } from "postgres";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function health({ db }: Machine): Promise<Row> {
  const [row, ...others] = await db.owner`select * from public.response_health`;
  assert.equal(others.length, 0);
  assert.ok(row);
  return row;
}

// The view uses the real clock.
function useRealTime({ clock }: Machine): void {
  clock.set(new Date());
}

sqlTest("an empty database has one row of zeros", async (machine) => {
  const row = await health(machine);
  assert.equal(row["queued"], "0");
  assert.equal(row["oldest_due_s"], null);
  assert.equal(row["fallback_rate_24h"], null);
});

sqlTest("jobs are counted by status", async (machine) => {
  useRealTime(machine);
  for (const status of ["completed", "failed", "cancelled", "cancelled", "running"] as const) {
    await machine.jobIn(status);
  }
  for (const status of ["background", "queued"] as const) await machine.jobIn(status);
  const row = await health(machine);
  assert.equal(row["completed_24h"], "1");
  assert.equal(row["failed_24h"], "1");
  assert.equal(row["cancelled_24h"], "2");
  assert.equal(row["running"], "1");
  assert.equal(row["background"], "1");
  assert.equal(row["queued"], "1");
});

sqlTest(
  "what no worker looks after is visible: due jobs, lost leases, overdue polls",
  async (machine) => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    machine.clock.set(hourAgo);
    await machine.submitRunning();
    await machine.submitBackground("resp_1");
    await machine.submit();
    const row = await health(machine);
    assert.equal(row["lost_leases"], "1");
    assert.equal(row["overdue_polls"], "1");
    assert.ok(Number(row["oldest_due_s"]) >= 3600 && Number(row["oldest_due_s"]) < 3700);
  },
);

sqlTest(
  "the fallback rate and the time to answer are those of the last 24 hours",
  async (machine) => {
    useRealTime(machine);
    machine.clock.advance(-600_000);
    await machine.jobIn("queued");
    const { id } = await machine.submitBackground("resp_1");
    await machine.call("fall_back_response_job", {
      p_job_id: id,
      p_attempt: 1,
      p_error: { code: "background_stuck", message: "m" },
    });
    const works = await machine.claim();
    machine.clock.advance(30_000);
    for (const work of works) await machine.complete(work);
    const row = await health(machine);
    assert.equal(row["fallback_rate_24h"], "0.500");
    assert.equal(Number(row["answer_p50_s"]), 30);
    assert.equal(Number(row["answer_p95_s"]), 30);
  },
);
