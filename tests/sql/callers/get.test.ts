import assert from "node:assert/strict";
import { jobView } from "../../support/machine-shapes.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("an owner gets the job, and a server sees every job", async (machine) => {
  const owner = await machine.db.createUser();
  const job = await machine.submit({ owner_id: owner });
  const asOwner = await machine.call("get_response_job", { p_job_id: job.id, p_owner_id: owner });
  assert.deepEqual(jobView.parse(asOwner), job);
  const asServer = await machine.call("get_response_job", {
    p_job_id: job.id,
    p_as_service: true,
  });
  assert.deepEqual(jobView.parse(asServer), job);
});

sqlTest(
  "a completed job shows its answer, a failed one its error, each without the other",
  async (machine) => {
    const done = await machine.complete(await machine.submitRunning());
    assert.equal(done.output_text, "Hello");
    assert.equal(done.error, null);
    const failed = await machine.fail(await machine.submitRunning());
    assert.equal(failed.output, null);
    assert.deepEqual(failed.error, { code: "openai_server_error", message: "Cannot answer" });
  },
);

sqlTest("the view holds no lease, no request and no hash", async (machine) => {
  const job = await machine.submit({ request: { model: "gpt-6.1-sol", instructions: "private" } });
  const text = JSON.stringify(job);
  for (const hidden of ["private", "leased", "request_hash", "poll_at", "worker"]) {
    assert.ok(!text.includes(hidden), hidden);
  }
});

for (const name of ["get_response_job", "cancel_response_job", "retry_response_job"]) {
  sqlTest(
    `${name} answers DR404 alike for a missing job, another user's, and a forgotten caller`,
    async (machine) => {
      const [owner, other] = [await machine.db.createUser(), await machine.db.createUser()];
      const { id } = await machine.submit({ owner_id: owner });
      const before = await machine.row(id);
      const missing = crypto.randomUUID();
      const errors = [
        await refused(machine.call(name, { p_job_id: missing, p_owner_id: owner }), "DR404"),
        await refused(machine.call(name, { p_job_id: id, p_owner_id: other }), "DR404"),
        await refused(machine.call(name, { p_job_id: id }), "DR404"),
        await refused(machine.call(name, { p_job_id: missing, p_as_service: true }), "DR404"),
      ];
      const texts = errors.map(({ message, hint }) =>
        `${message} ${hint}`.replace(/[0-9a-f-]{36}/, "<id>")
      );
      assert.equal(new Set(texts).size, 1);
      assert.deepEqual(await machine.row(id), before);
    },
  );

  sqlTest(
    `${name}: a job without an owner is not shown to a caller without one`,
    async (machine) => {
      const { id } = await machine.submit();
      await refused(machine.call(name, { p_job_id: id, p_owner_id: null }), "DR404");
    },
  );
}
