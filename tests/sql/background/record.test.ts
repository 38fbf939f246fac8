import assert from "node:assert/strict";
import { recorded } from "../../support/machine-shapes.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function record(machine: Machine, id: string, responseId: string) {
  return recorded.parse(
    await machine.call("record_background_response", {
      p_job_id: id,
      p_attempt: 1,
      p_response_id: responseId,
      p_request_id: "req_1",
      p_poll_ms: 30_000,
    }),
  );
}

sqlTest(
  "the response's id is kept with the job and its attempt, and the first poll is set",
  async (machine) => {
    const { id } = await machine.submit({ mode: "background" });
    const { orphaned, job } = await record(machine, id, "resp_1");
    assert.equal(orphaned, false);
    assert.equal(job.response_id, "resp_1");
    const row = await machine.row(id);
    assert.equal(row["poll_at"].getTime() - machine.clock.now.getTime(), 30_000);
    const [attempt] = await machine.attempts(id);
    assert.equal(attempt?.["response_id"], "resp_1");
    assert.equal(attempt?.["request_id"], "req_1");
    assert.equal(attempt?.["cancel_pending"], false);
  },
);

sqlTest("recording the same response again changes nothing", async (machine) => {
  const { id } = await machine.submit({ mode: "background" });
  await record(machine, id, "resp_1");
  const before = await machine.row(id);
  machine.clock.advance(1000);
  const { orphaned } = await record(machine, id, "resp_1");
  assert.equal(orphaned, false);
  assert.deepEqual(await machine.row(id), before);
});

sqlTest(
  "the answer to a cancelled job's request is an orphan, marked for cancelling",
  async (machine) => {
    const { id } = await machine.submit({ mode: "background" });
    await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
    const { orphaned, job } = await record(machine, id, "resp_1");
    assert.equal(orphaned, true);
    assert.equal(job.status, "cancelled");
    const [attempt] = await machine.attempts(id);
    assert.equal(attempt?.["response_id"], "resp_1");
    assert.equal(attempt?.["cancel_pending"], true);
    assert.equal(attempt?.["outcome"], "cancelled");
  },
);

sqlTest(
  "the answer that comes after the job fell back is an orphan, even while the job runs",
  async (machine) => {
    const { id } = await machine.submit({ mode: "background" });
    await machine.call("fall_back_response_job", {
      p_job_id: id,
      p_attempt: 1,
      p_error: someError,
    });
    await machine.claim();
    const { orphaned, job } = await record(machine, id, "resp_1");
    assert.equal(orphaned, true);
    assert.equal(job.status, "running");
    assert.equal(job.response_id, null);
    const attempts = await machine.attempts(id);
    assert.deepEqual(attempts.map((attempt) => attempt["cancel_pending"]), [true, false]);
  },
);

sqlTest("a response that the webhook has settled already is no orphan", async (machine) => {
  const { id } = await machine.submit({ mode: "background" });
  await machine.call("adopt_background_response", {
    p_job_id: id,
    p_attempt: 1,
    p_response_id: "resp_1",
  });
  await machine.complete({ id, attempt: 1 }, "resp_1");
  const { orphaned } = await record(machine, id, "resp_1");
  assert.equal(orphaned, false);
  assert.equal((await machine.attempts(id))[0]?.["cancel_pending"], false);
});

sqlTest("a missing job is DR404", async (machine) => {
  await refused(record(machine, crypto.randomUUID(), "resp_1"), "DR404");
});

sqlTest("an id that another job's response had is no id", async (machine) => {
  await machine.submitBackground("resp_b");
  const done = await machine.submitBackground("resp_c");
  await machine.complete({ id: done.id, attempt: 1 }, "resp_c");
  const { id } = await machine.submit({ mode: "background" });
  for (const responseId of ["resp_b", "resp_c"]) {
    const { orphaned, job } = await record(machine, id, responseId);
    assert.deepEqual([orphaned, job.response_id], [false, null]);
  }
  await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  assert.equal((await record(machine, id, "resp_b")).orphaned, false);
  assert.equal((await record(machine, id, "resp_1")).orphaned, true);
});
