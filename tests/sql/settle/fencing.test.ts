import assert from "node:assert/strict";
import { type Arguments, callFunction } from "../../support/function-call.ts";
import type { Machine } from "../../support/machine.ts";
import { someError, someOutput } from "../../support/machine.ts";
import { openTransaction, waitsForLock } from "../../support/open-transaction.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const writes: Record<string, Arguments> = {
  complete_response_job: { p_response_id: "resp_late", p_output: someOutput },
  fail_response_job: { p_error: someError },
  retry_response_later: { p_error: someError },
};

// Claimed by worker-1, then taken over by worker-2.
async function takenOver(machine: Machine): Promise<{ id: string; late: number; current: number }> {
  const { id, attempt } = await machine.submitRunning({
    backoff_base_ms: 1,
    backoff_cap_ms: 1,
  });
  machine.clock.advance(60_000);
  await machine.claim("worker-2", 0);
  machine.clock.advance(1000);
  const [work] = await machine.claim("worker-2");
  assert.equal(work?.id, id);
  return { id, late: attempt, current: work?.attempt ?? 0 };
}

for (const [name, args] of Object.entries(writes)) {
  sqlTest(
    `${name} of a worker that was taken over is refused and changes nothing`,
    async (machine) => {
      const { id, late } = await takenOver(machine);
      const [row, attempts] = [await machine.row(id), await machine.attempts(id)];
      const call = machine.asService((sql) =>
        callFunction(sql, `public.${name}`, { p_job_id: id, p_attempt: late, ...args })
      );
      const error = await refused(call, "DR410");
      assert.match(
        error.message,
        new RegExp(`as attempt ${late} of job ${id}: the job is running`),
      );
      assert.deepEqual(await machine.row(id), row);
      assert.deepEqual(await machine.attempts(id), attempts);
    },
  );
}

sqlTest("the worker that took over can write", async (machine) => {
  const { id, current } = await takenOver(machine);
  assert.equal((await machine.complete({ id, attempt: current })).status, "completed");
});

sqlTest("a worker that was taken over can neither renew nor release", async (machine) => {
  const { id, late } = await takenOver(machine);
  const before = await machine.row(id);
  const held = { p_worker: "worker-1", p_jobs: [{ id, attempt: late }] };
  assert.deepEqual(await machine.call("renew_response_leases", held), []);
  assert.equal(await machine.call("release_response_jobs", held), 0);
  assert.deepEqual(await machine.row(id), before);
});

sqlTest("a write for an attempt that is still to come is refused", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  await refused(machine.complete({ id, attempt: attempt + 1 }), "DR410");
});

sqlTest("a write for a missing job is DR404", async (machine) => {
  await refused(machine.complete({ id: crypto.randomUUID(), attempt: 1 }), "DR404");
});

sqlTest(
  "a cancel and a result at once: the second waits for the first and then loses",
  async (machine) => {
    const { id, attempt } = await machine.submitRunning();
    const [cancel, result] = [await openTransaction(machine), await openTransaction(machine)];
    try {
      await callFunction(cancel.sql, "public.cancel_response_job", {
        p_job_id: id,
        p_as_service: true,
      });
      const late = refused(
        callFunction(result.sql, "public.complete_response_job", {
          p_job_id: id,
          p_attempt: attempt,
          p_response_id: "resp_1",
          p_output: someOutput,
        }),
        "DR410",
      );
      await waitsForLock(machine, result.pid);
      await cancel.commit();
      await late;
      assert.equal((await machine.row(id))["status"], "cancelled");
    } finally {
      await cancel.rollback();
      await result.rollback();
    }
  },
);

sqlTest(
  "webhook and poll settle at once: one writes the result, the other is refused",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    const both = await Promise.allSettled([1, 2].map(() => machine.complete({ id, attempt: 1 })));
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  },
);
