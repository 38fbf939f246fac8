import assert from "node:assert/strict";
import { jobView } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const error = {
  code: "openai_invalid_request",
  message: "Cannot use model 'x'",
  hint: "Choose another.",
  type: "model_not_found",
  request_id: "req_1",
};

async function fail(machine: Machine, id: string, attempt: number, p_error = error) {
  return jobView.parse(
    await machine.call("fail_response_job", { p_job_id: id, p_attempt: attempt, p_error }),
  );
}

for (const status of ["running", "background"] as const) {
  sqlTest(
    `a ${status} job fails with the error's code, message and hint, whatever tries are left`,
    async (machine) => {
      const id = await machine.jobIn(status);
      machine.clock.advance(1000);
      const job = await fail(machine, id, 1);
      assert.equal(job.status, "failed");
      const { code, message, hint } = error;
      assert.deepEqual(job.error, { code, message, hint });
      assert.deepEqual(job.finished_at, machine.clock.now);
      const [attempt] = await machine.attempts(id);
      assert.equal(attempt?.["outcome"], "failed");
      assert.equal(attempt?.["error_code"], code);
      assert.equal(attempt?.["error_type"], "model_not_found");
      assert.equal(attempt?.["error_message"], message);
      assert.equal(attempt?.["request_id"], "req_1");
    },
  );
}

sqlTest("an endless message is cut", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  const job = await fail(machine, id, attempt, { ...error, message: "x".repeat(50_000) });
  assert.equal(job.error?.message.length, 2000);
});

sqlTest("an error without a code is no error", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  const call = machine.call("fail_response_job", {
    p_job_id: id,
    p_attempt: attempt,
    p_error: { message: "m" },
  });
  await refused(call, "23514", "attempts_failed_has_code");
});
