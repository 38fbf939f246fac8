import assert from "node:assert/strict";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("a job that is queued past its deadline is failed by the next claim", async (machine) => {
  const id = await machine.jobIn("queued", { deadline_ms: 60_000 });
  machine.clock.advance(59_999);
  await machine.claim("worker-1", 0);
  assert.equal((await machine.row(id))["status"], "queued");
  machine.clock.advance(1);
  assert.deepEqual(await machine.claim(), []);
  const row = await machine.row(id);
  assert.equal(row["status"], "failed");
  assert.equal(row["error_code"], "deadline_exceeded");
  assert.match(row["error_message"], /2030-01-01T12:01:00Z and it was still queued/);
  assert.deepEqual(row["finished_at"], machine.clock.now);
});

for (
  const [status, limit, code] of [
    ["awaiting_approval", "approval_ms", "approval_expired"],
    ["awaiting_tool_output", "approval_ms", "tool_output_expired"],
    ["needs_review", "review_ms", "review_expired"],
  ] as const
) {
  sqlTest(
    `a job that is ${status} outlives its deadline, and fails when nobody has answered in time`,
    async (machine) => {
      const id = await machine.jobIn(status, { deadline_ms: 60_000, [limit]: 600_000 });
      machine.clock.advance(599_999);
      await machine.claim("worker-1", 0);
      assert.equal((await machine.row(id))["status"], status);
      machine.clock.advance(1);
      await machine.claim("worker-1", 0);
      const row = await machine.row(id);
      assert.equal(row["status"], "failed");
      assert.equal(row["error_code"], code);
      assert.match(row["error_message"], new RegExp(`was ${status} since 2030-01-01T12:00:00Z`));
      assert.notEqual(row["error_hint"], null);
    },
  );
}

sqlTest(
  "the deadline's clock stands still while a person is asked, and continues with what was left",
  async (machine) => {
    const { id, attempt } = await machine.submitRunning({ deadline_ms: 60_000 });
    machine.clock.advance(20_000);
    await machine.call("suspend_response_job", {
      p_job_id: id,
      p_attempt: attempt,
      p_response_id: "resp_1",
      p_steps: [{
        item_id: "mcpr_1",
        kind: "mcp_approval_request",
        status: "waiting",
        server_label: "mail",
        tool: "send",
        arguments: "{}",
      }],
    });
    const asked = await machine.row(id);
    assert.equal(asked["deadline"], null);
    assert.equal(Number(asked["deadline_left_ms"]), 40_000);
    machine.clock.advance(3_600_000);
    await machine.call("answer_response_approval", {
      p_job_id: id,
      p_approve: true,
      p_as_service: true,
    });
    const queued = await machine.row(id);
    assert.equal(queued["status"], "queued");
    assert.equal(queued["deadline"].getTime() - machine.clock.now.getTime(), 40_000);
  },
);

sqlTest("a claim hands out jobs although others are past their deadline", async (machine) => {
  await machine.submit({ deadline_ms: 1000 });
  const { id } = await machine.submit();
  machine.clock.advance(5000);
  assert.deepEqual((await machine.claim()).map((work) => work.id), [id]);
});

sqlTest("a job that is running at its deadline is left to its worker", async (machine) => {
  const { id, attempt } = await machine.submitRunning({ deadline_ms: 10_000 });
  machine.clock.advance(20_000);
  await machine.claim("worker-2");
  assert.equal((await machine.row(id))["status"], "running");
  assert.equal((await machine.complete({ id, attempt })).status, "completed");
});
