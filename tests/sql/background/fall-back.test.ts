import assert from "node:assert/strict";
import { jobView } from "../../support/machine-shapes.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function fallBack(machine: Machine, id: string, args = {}) {
  return jobView.parse(
    await machine.call("fall_back_response_job", {
      p_job_id: id,
      p_attempt: 1,
      p_error: { ...someError, request_id: "req_9" },
      ...args,
    }),
  );
}

sqlTest(
  "a failed background attempt leaves the job queued, due at once, with the reason",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    machine.clock.advance(5000);
    const job = await fallBack(machine, id);
    assert.equal(job.status, "queued");
    assert.equal(job.fallback_reason, "openai_server_error");
    assert.deepEqual(job.run_at, machine.clock.now);
    assert.equal(job.response_id, null);
    assert.equal((await machine.row(id))["failures"], 0);
    const [attempt] = await machine.attempts(id);
    assert.equal(attempt?.["outcome"], "failed");
    assert.equal(attempt?.["error_code"], "openai_server_error");
    assert.equal(attempt?.["error_type"], "server_error");
    assert.equal(attempt?.["error_message"], "Cannot answer");
    assert.equal(attempt?.["request_id"], "req_9");
    assert.equal(attempt?.["response_id"], "resp_1");
  },
);

sqlTest(
  "the synchronous run that follows is attempt 2 and may use all its tries",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    await fallBack(machine, id);
    const [work] = await machine.claim();
    assert.equal(work?.id, id);
    assert.equal(work?.attempt, 2);
    assert.equal(work?.failures, 0);
    const attempts = await machine.attempts(id);
    assert.deepEqual(attempts.map(({ mode }) => mode), ["background", "synchronous"]);
  },
);

sqlTest("a Retry-After puts the run off", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  const job = await fallBack(machine, id, { p_retry_after_ms: 90_000 });
  assert.equal((job.run_at?.getTime() ?? 0) - machine.clock.now.getTime(), 90_000);
});

sqlTest("past the deadline the job fails instead", async (machine) => {
  const { id } = await machine.submitBackground("resp_1", { deadline_ms: 10_000 });
  machine.clock.advance(10_000);
  const job = await fallBack(machine, id);
  assert.equal(job.status, "failed");
  assert.equal(job.error?.code, "deadline_exceeded");
  assert.match(job.error?.message ?? "", /2030-01-01T12:00:10Z/);
});

sqlTest("only the first of two that see the failure falls back", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await fallBack(machine, id);
  await refused(fallBack(machine, id), "DR410");
  assert.equal((await machine.attempts(id)).length, 1);
});

sqlTest("a running job cannot fall back", async (machine) => {
  const work = await machine.submitRunning();
  await refused(fallBack(machine, work.id), "DR410");
});
