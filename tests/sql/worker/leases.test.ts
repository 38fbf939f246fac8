import assert from "node:assert/strict";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function renew(
  machine: Machine,
  jobs: { id: string; attempt: number }[],
  worker = "worker-1",
) {
  return await machine.call("renew_response_leases", {
    p_worker: worker,
    p_jobs: jobs,
    p_lease_ms: 30_000,
  });
}

sqlTest("a renewed lease lasts another term from now", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  machine.clock.advance(20_000);
  assert.deepEqual(await renew(machine, [{ id, attempt }]), [id]);
  const until = (await machine.row(id))["leased_until"];
  assert.equal(until.getTime() - machine.clock.now.getTime(), 30_000);
  machine.clock.advance(29_999);
  assert.deepEqual(await machine.claim("worker-2"), []);
  assert.equal((await machine.row(id))["leased_by"], "worker-1");
});

sqlTest("the answer names only what is still held", async (machine) => {
  const kept = await machine.submitRunning();
  const cancelled = await machine.submitRunning();
  const finished = await machine.submitRunning();
  await machine.call("cancel_response_job", { p_job_id: cancelled.id, p_as_service: true });
  await machine.complete(finished);
  assert.deepEqual(await renew(machine, [kept, cancelled, finished]), [kept.id]);
});

sqlTest("another worker's lease and another attempt's are not renewed", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  const before = await machine.row(id);
  machine.clock.advance(1000);
  assert.deepEqual(await renew(machine, [{ id, attempt }], "worker-2"), []);
  assert.deepEqual(await renew(machine, [{ id, attempt: attempt + 1 }]), []);
  assert.deepEqual(await machine.row(id), before);
});

sqlTest("renewing nothing renews nothing", async (machine) => {
  assert.deepEqual(await renew(machine, []), []);
});

sqlTest("a lease that ran out but that nobody took can still be renewed", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  machine.clock.advance(60_000);
  assert.deepEqual(await renew(machine, [{ id, attempt }]), [id]);
  assert.deepEqual(await machine.claim("worker-2"), []);
});
