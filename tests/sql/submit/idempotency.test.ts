import assert from "node:assert/strict";
import { submitted } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const keyed = { profile: "default", idempotency_key: "key-1", request_hash: "hash-1" };

async function submitKeyed(machine: Machine, args = {}) {
  const answer = await machine.call("submit_response_job", {
    p_job: { ...keyed, input: "hello", ...args },
  });
  return submitted.parse(answer);
}

sqlTest("the same key with the same request returns the first job", async (machine) => {
  const first = await submitKeyed(machine);
  machine.clock.advance(60_000);
  const second = await submitKeyed(machine);
  assert.equal(first.created, true);
  assert.equal(second.created, false);
  assert.deepEqual(second.job, first.job);
});

sqlTest("a repeat returns the job as it stands now, finished or not", async (machine) => {
  const { job } = await submitKeyed(machine);
  const [work] = await machine.claim();
  assert.ok(work);
  await machine.complete(work);
  const repeat = await submitKeyed(machine);
  assert.equal(repeat.created, false);
  assert.equal(repeat.job.id, job.id);
  assert.equal(repeat.job.status, "completed");
});

sqlTest("a repeat of a background submission adds no second attempt", async (machine) => {
  const { job } = await submitKeyed(machine, { mode: "background" });
  await submitKeyed(machine, { mode: "background" });
  assert.equal((await machine.attempts(job.id)).length, 1);
});

sqlTest("the same key with another request is refused and changes nothing", async (machine) => {
  const { job } = await submitKeyed(machine);
  const before = await machine.row(job.id);
  await refused(submitKeyed(machine, { request_hash: "hash-2", input: "other" }), "DR422");
  assert.deepEqual(await machine.row(job.id), before);
});

sqlTest("keys count per owner, and a server without an owner has its own", async (machine) => {
  const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
  const answers = [
    await submitKeyed(machine, { owner_id: anna }),
    await submitKeyed(machine, { owner_id: ben, request_hash: "hash-2" }),
    await submitKeyed(machine, { request_hash: "hash-3" }),
  ];
  assert.deepEqual(answers.map(({ created }) => created), [true, true, true]);
  const repeat = await submitKeyed(machine, { request_hash: "hash-3" });
  assert.equal(repeat.created, false);
  assert.equal(repeat.job.id, answers[2]?.job.id);
});

sqlTest("without a key every submission is a new job", async (machine) => {
  const [first, second] = [await machine.submit(), await machine.submit()];
  assert.notEqual(first.id, second.id);
});

sqlTest("two different keys are two jobs", async (machine) => {
  const first = await submitKeyed(machine);
  const second = await submitKeyed(machine, { idempotency_key: "key-2" });
  assert.equal(second.created, true);
  assert.notEqual(second.job.id, first.job.id);
});

sqlTest(
  "a repeat whose job is deleted at that moment is asked for again, never answered with no job",
  async (machine) => {
    // The state between the conflict of the keys and the read of the job.
    await machine.db.owner`
    insert into durable_responses.idempotency_keys (owner_key, key, request_hash, job_id)
    values ('00000000-0000-0000-0000-000000000000', 'key-1', 'hash-1', gen_random_uuid())`;
    await refused(submitKeyed(machine), "40001");
  },
);
