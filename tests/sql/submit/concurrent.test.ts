import assert from "node:assert/strict";
import { callFunction } from "../../support/function-call.ts";
import { submitted } from "../../support/machine-shapes.ts";
import { openTransaction, waitsForLock } from "../../support/open-transaction.ts";
import { sqlTest } from "../../support/sql-test.ts";

const args = {
  p_job: {
    profile: "default",
    input: "hello",
    idempotency_key: "key-1",
    request_hash: "hash-1",
  },
};

sqlTest(
  "a double that comes while the first is not committed waits and gets the same job",
  async (machine) => {
    const [first, second] = [await openTransaction(machine), await openTransaction(machine)];
    try {
      const one = submitted.parse(
        await callFunction(first.sql, "public.submit_response_job", args),
      );
      const pending = callFunction(second.sql, "public.submit_response_job", args);
      await waitsForLock(machine, second.pid);
      await first.commit();
      const two = submitted.parse(await pending);
      assert.equal(two.created, false);
      assert.equal(two.job.id, one.job.id);
    } finally {
      await first.rollback();
      await second.rollback();
    }
  },
);

sqlTest("a double whose first was rolled back becomes the job itself", async (machine) => {
  const [first, second] = [await openTransaction(machine), await openTransaction(machine)];
  try {
    await callFunction(first.sql, "public.submit_response_job", args);
    const pending = callFunction(second.sql, "public.submit_response_job", args);
    await waitsForLock(machine, second.pid);
    await first.rollback();
    assert.equal(submitted.parse(await pending).created, true);
  } finally {
    await first.rollback();
    await second.rollback();
  }
});

sqlTest("twenty doubles at once make one job", async (machine) => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => machine.call("submit_response_job", args)),
  );
  const jobs = answers.map((answer) => submitted.parse(answer));
  assert.equal(jobs.filter(({ created }) => created).length, 1);
  assert.equal(new Set(jobs.map(({ job }) => job.id)).size, 1);
});
