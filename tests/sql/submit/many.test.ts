/** submit_response_jobs: many jobs of a server in one call. */
import assert from "node:assert/strict";
import type { JSONValue } from "postgres";
import { z } from "zod";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const answer = z.array(z.strictObject({ id: z.uuid(), created: z.boolean() }));

async function submitMany(machine: Machine, jobs: JSONValue[]) {
  return answer.parse(await machine.call("submit_response_jobs", { p_jobs: jobs }));
}

const count = async ({ db }: Machine) =>
  (await db.owner`select count(*)::int as n from public.response_jobs`)[0]?.["n"];

sqlTest("many jobs are queued in one call, and claimed like any other", async (machine) => {
  const owner = crypto.randomUUID();
  const made = await submitMany(machine, [
    { profile: "default", input: "one" },
    {
      profile: "mail",
      input: [{ role: "user", content: "two" }],
      owner_id: owner,
      metadata: { n: "2" },
      priority: 7,
      deadline_ms: 60_000,
      max_attempts: 2,
    },
    { profile: "raw", request: { model: "gpt-6.1-sol", input: "three" } },
  ]);
  assert.deepEqual(made.map(({ created }) => created), [true, true, true]);
  const [, second = { id: "" }, third = { id: "" }] = made;
  const row = await machine.row(second.id);
  assert.deepEqual(
    [row["owner_id"], row["profile"], row["route"], row["priority"], row["max_attempts"]],
    [owner, "mail", "mail", 7, 2],
  );
  assert.deepEqual(row["metadata"], { n: "2" });
  assert.deepEqual(row["deadline"], new Date(machine.clock.now.getTime() + 60_000));
  const claimed = await machine.claim("worker-1", 10);
  assert.deepEqual(claimed.map(({ id }) => id).toSorted(), made.map(({ id }) => id).toSorted());
  assert.deepEqual(claimed.find(({ id }) => id === third.id)?.request, {
    model: "gpt-6.1-sol",
    input: "three",
  });
});

sqlTest("a repeat is answered with the job that is there, in its place", async (machine) => {
  const job = (n: number) => ({ profile: "default", input: `job ${n}`, idempotency_key: `k${n}` });
  const [first] = await submitMany(machine, [job(1)]);
  const answers = await submitMany(machine, [job(2), job(1), job(3), job(3)]);
  assert.deepEqual(answers.map(({ created }) => created), [true, false, true, false]);
  assert.equal(answers[1]?.id, first?.id);
  assert.equal(answers[3]?.id, answers[2]?.id);
  assert.equal(await count(machine), 3);
});

sqlTest("keys are their owners'", async (machine) => {
  const job = { profile: "default", input: "hi", idempotency_key: "k" };
  const owner_id = crypto.randomUUID();
  const answers = await submitMany(machine, [job, { ...job, owner_id }, { ...job, owner_id }]);
  assert.deepEqual(answers.map(({ created }) => created), [true, true, false]);
  assert.equal(answers[2]?.id, answers[1]?.id);
});

sqlTest("a key that was used for something else refuses the whole batch", async (machine) => {
  await submitMany(machine, [{ profile: "default", input: "one", idempotency_key: "k" }]);
  const error = await refused(
    submitMany(machine, [
      { profile: "default", input: "new" },
      { profile: "default", input: "two", idempotency_key: "k" },
    ]),
    "DR422",
  );
  assert.match(error.message, /key 'k' again/);
  assert.equal(await count(machine), 1);
});

sqlTest("what is no list, or no job, is refused", async (machine) => {
  await refused(machine.call("submit_response_jobs", { p_jobs: {} }), "DR400");
  await refused(
    submitMany(machine, [{ profile: "default" }]),
    "DR400",
  );
  assert.deepEqual(await submitMany(machine, []), []);
});
