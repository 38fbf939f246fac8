import assert from "node:assert/strict";
import { jobView } from "../../support/machine-shapes.ts";
import { type Machine, someOutput } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };

async function complete(machine: Machine, id: string, attempt: number, args = {}) {
  return jobView.parse(
    await machine.call("complete_response_job", {
      p_job_id: id,
      p_attempt: attempt,
      p_response_id: "resp_1",
      p_output: someOutput,
      p_output_text: "Hello",
      p_usage: usage,
      p_request_id: "req_1",
      ...args,
    }),
  );
}

sqlTest(
  "a synchronous run's result is written to the job and its attempt, and the lease ends",
  async (machine) => {
    const { id, attempt } = await machine.submitRunning();
    machine.clock.advance(1000);
    const job = await complete(machine, id, attempt, { p_output_parsed: { answer: 42 } });
    assert.equal(job.status, "completed");
    assert.equal(job.output_text, "Hello");
    assert.deepEqual(job.output, someOutput);
    assert.deepEqual(job.output_parsed, { answer: 42 });
    assert.deepEqual(job.usage, usage);
    assert.equal(job.response_id, "resp_1");
    assert.deepEqual(job.finished_at, machine.clock.now);
    const row = await machine.row(id);
    assert.equal(row["leased_by"], null);
    const [tried] = await machine.attempts(id);
    assert.equal(tried?.["outcome"], "completed");
    assert.equal(tried?.["response_id"], "resp_1");
    assert.equal(tried?.["request_id"], "req_1");
    assert.deepEqual(tried?.["usage"], usage);
    assert.deepEqual(tried?.["finished_at"], machine.clock.now);
  },
);

sqlTest("a background response's result completes the job with no fallback", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  const job = await complete(machine, id, 1);
  assert.equal(job.status, "completed");
  assert.equal(job.fallback_reason, null);
  assert.equal((await machine.row(id))["poll_at"], null);
});

sqlTest("a job that ran after a fallback keeps the reason when it completes", async (machine) => {
  const { id } = await machine.submitBackground("resp_0");
  await machine.call("fall_back_response_job", {
    p_job_id: id,
    p_attempt: 1,
    p_error: { code: "background_stuck", message: "m" },
  });
  await machine.claim();
  const job = await complete(machine, id, 2);
  assert.equal(job.fallback_reason, "background_stuck");
  assert.equal(job.response_id, "resp_1");
});

sqlTest("an answer without text is a result too", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  const job = await complete(machine, id, attempt, { p_output: [], p_output_text: null });
  assert.equal(job.status, "completed");
  assert.deepEqual(job.output, []);
});

sqlTest("without output there is nothing to complete with", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  await refused(
    complete(machine, id, attempt, { p_output: null }),
    "23514",
    "jobs_completed_with_output",
  );
  assert.equal((await machine.row(id))["status"], "running");
});

sqlTest("a queued job cannot complete", async (machine) => {
  const { id } = await machine.submit();
  await refused(complete(machine, id, 0), "DR410");
});
