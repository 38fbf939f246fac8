import assert from "node:assert/strict";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { sqlTest } from "../../support/sql-test.ts";

const fence = ({ id, attempt }: AttemptKey): AttemptKey & Record<string, string | number> => ({
  id,
  attempt,
});

sqlTest("a released job is due at once and has not failed", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  machine.clock.advance(5000);
  const released = await machine.call("release_response_jobs", {
    p_worker: "worker-1",
    p_jobs: [{ id, attempt }],
  });
  assert.equal(released, 1);
  const row = await machine.row(id);
  assert.equal(row["status"], "queued");
  assert.deepEqual(row["run_at"], machine.clock.now);
  assert.equal(row["failures"], 0);
  const [tried] = await machine.attempts(id);
  assert.equal(tried?.["outcome"], "handed_over");
  assert.equal(tried?.["error_code"], null);
});

sqlTest(
  "the next worker gets it as the next attempt, and the first one's writes are too late",
  async (machine) => {
    const first = await machine.submitRunning();
    await machine.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [fence(first)] });
    const [second] = await machine.claim("worker-2");
    assert.equal(second?.id, first.id);
    assert.equal(second?.attempt, first.attempt + 1);
    assert.deepEqual(
      await machine.call("renew_response_leases", { p_worker: "worker-1", p_jobs: [fence(first)] }),
      [],
    );
  },
);

sqlTest("several are released in one call; what is not held is passed over", async (machine) => {
  const [one, two, done] = [
    await machine.submitRunning(),
    await machine.submitRunning(),
    await machine.submitRunning(),
  ];
  await machine.complete(done);
  const args = { p_worker: "worker-1", p_jobs: [one, two, done].map(fence) };
  assert.equal(await machine.call("release_response_jobs", args), 2);
  assert.equal(await machine.call("release_response_jobs", args), 0);
  assert.equal((await machine.row(done.id))["status"], "completed");
});

sqlTest("another worker's job cannot be released", async (machine) => {
  const held = await machine.submitRunning();
  const args = { p_worker: "worker-2", p_jobs: [fence(held)] };
  assert.equal(await machine.call("release_response_jobs", args), 0);
  assert.equal((await machine.row(held.id))["leased_by"], "worker-1");
});
