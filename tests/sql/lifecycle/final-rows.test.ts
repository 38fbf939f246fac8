import assert from "node:assert/strict";
import { flagsOf, rewriteColumn, writableColumns } from "../../support/job-state.ts";
import { callStep, saveSteps, stepLines } from "../../support/ledger.ts";
import { submitted } from "../../support/machine-shapes.ts";
import { finalStatuses } from "../../../supabase/functions/_durable_responses/model/status.ts";
import { someError, someOutput } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

for (const status of finalStatuses) {
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
        ...fence,
        p_response_id: "resp_2",
        p_output: someOutput,
      }),
      "DR410",
    );
    assert.deepEqual(await machine.row(id), before);
  });

  sqlTest(`a call that a ${status} job turns out to have made is a flag`, async (machine) => {
    const id = await machine.jobIn(status);
    const before = await machine.row(id);
    const fence = { id, attempt: Number(before["attempt"]) };
    assert.equal(await saveSteps(machine, fence, callStep("started")), false);
    // A repeated report is not news, nor is a harmless call.
    assert.equal(await saveSteps(machine, fence, callStep("started")), false);
    const harmless = callStep("finished", { item_id: "mcp_2", effect: "none" });
    assert.equal(await saveSteps(machine, fence, harmless), false);
    assert.deepEqual(await machine.row(id), before);
    assert.deepEqual(await stepLines(machine, id), ["send uncertain"]);
    const flags = await flagsOf(machine.db.owner, id);
    assert.deepEqual(flags.map(({ code }) => code), ["late_call"]);
    assert.match(flags[0]?.["detail"], /send at mailbox/);
    assert.deepEqual(flags[0]?.["created_at"], machine.clock.now);
  });
}

sqlTest("a retry of a job that was flagged for a call in doubt asks a person", async (machine) => {
  const id = await machine.jobIn("failed");
  await saveSteps(machine, { id, attempt: 1 }, callStep("started"));
  const { job } = submitted.parse(
    await machine.call("retry_response_job", { p_job_id: id, p_as_service: true }),
  );
  assert.equal(job.status, "needs_review");
});

sqlTest("of ten late reports at once each is kept", async (machine) => {
  const id = await machine.jobIn("cancelled");
  const attempt = Number((await machine.row(id))["attempt"]);
  const reports = Array.from(
    { length: 10 },
    (_, n) => callStep("started", { item_id: `mcp_${n}` }),
  );
  await Promise.all(reports.map((report) => saveSteps(machine, { id, attempt }, report)));
  assert.equal((await stepLines(machine, id)).length, 10);
});

sqlTest("every change of a job that is not final moves updated_at on", async (machine) => {
  const { id } = await machine.submit();
  machine.clock.advance(5000);
  await machine.claim();
  assert.deepEqual((await machine.row(id))["updated_at"], machine.clock.now);
});
