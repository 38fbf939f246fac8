import assert from "node:assert/strict";
import { rewriteColumn, writableColumns } from "../../support/job-state.ts";
import type { JobStatus } from "../../support/machine-shapes.ts";
import { someError, someOutput } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const finals: JobStatus[] = ["completed", "failed", "cancelled"];

for (const status of finals) {
  sqlTest(
    `no column of a ${status} job can be changed, not even to what it is`,
    async (machine) => {
      const id = await machine.jobIn(status);
      const before = await machine.row(id);
      for (const column of await writableColumns(machine.db.owner)) {
        await refused(rewriteColumn(machine.db.owner, id, column), "DR409");
      }
      assert.deepEqual(await machine.row(id), before);
    },
  );

  sqlTest(`no worker can write to a ${status} job`, async (machine) => {
    const id = await machine.jobIn(status);
    const before = await machine.row(id);
    const fence = { p_job_id: id, p_attempt: before["attempt"] };
    const failure = { ...fence, p_error: someError };
    await refused(machine.call("fail_response_job", failure), "DR410");
    await refused(machine.call("fall_back_response_job", failure), "DR410");
    await refused(machine.call("retry_response_later", failure), "DR410");
    await refused(
      machine.call("complete_response_job", {
        ...{ ...fence, p_response_id: "resp_2", p_output: someOutput },
      }),
      "DR410",
    );
    assert.deepEqual(await machine.row(id), before);
  });
}

sqlTest("every change of a job that is not final moves updated_at on", async (machine) => {
  const { id } = await machine.submit();
  machine.clock.advance(5000);
  await machine.claim();
  assert.deepEqual((await machine.row(id))["updated_at"], machine.clock.now);
});
