import assert from "node:assert/strict";
import { claimJobs } from "../../support/claim-jobs.ts";
import { openTransaction } from "../../support/open-transaction.ts";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest(
  "a claimer passes over what another is just claiming, and does not wait for it",
  async (machine) => {
    const jobs = [await machine.submit(), await machine.submit(), await machine.submit()];
    const held = await openTransaction(machine);
    try {
      const one = await claimJobs(held.sql, "worker-1", 2);
      // This would hang if claims waited for each other, because the first is still open.
      const two = await machine.claim("worker-2");
      assert.equal(one.length, 2);
      assert.equal(two.length, 1);
      const claimed = [...one, ...two].map(({ id }) => id);
      assert.deepEqual(claimed.sort(), jobs.map(({ id }) => id).sort());
      await held.commit();
      assert.deepEqual(await machine.claim("worker-3"), []);
    } finally {
      await held.rollback();
    }
  },
);

// If it were skipped, it would wait for cron, because the nudge that woke the worker was the only one.
sqlTest("a claim takes a job that somebody is just beginning to watch", async (machine) => {
  const owner = crypto.randomUUID();
  const { id } = await machine.submit({ owner_id: owner });
  const held = await openTransaction(machine);
  try {
    await held.sql`select durable_responses.register_watch(${id}, null, true)`;
    await held.sql`select durable_responses.register_watch(null, ${owner}, false)`;
    assert.deepEqual((await machine.claim("worker-1")).map((work) => work.id), [id]);
    await held.commit();
  } finally {
    await held.rollback();
  }
});

sqlTest("what a claimer gave up by a rollback can be claimed again", async (machine) => {
  const { id } = await machine.submit();
  const held = await openTransaction(machine);
  try {
    await claimJobs(held.sql, "worker-1", 1);
    assert.deepEqual(await machine.claim("worker-2"), []);
    await held.rollback();
    const [work] = await machine.claim("worker-2");
    assert.equal(work?.id, id);
    assert.equal(work?.attempt, 1);
  } finally {
    await held.rollback();
  }
});

sqlTest("two claimers at once never take the same lost job", async (machine) => {
  await machine.submitRunning();
  machine.clock.advance(60_000);
  const held = await openTransaction(machine);
  try {
    await claimJobs(held.sql, "worker-2", 0);
    assert.deepEqual(await machine.claim("worker-3"), []);
    await held.commit();
  } finally {
    await held.rollback();
  }
});

sqlTest("eight workers empty a queue of forty: each job once", async (machine) => {
  for (let made = 0; made < 40; made++) await machine.submit();
  const claimed: string[] = [];
  const work = async (worker: string) => {
    for (let jobs = await machine.claim(worker, 3); jobs.length > 0;) {
      claimed.push(...jobs.map(({ id }) => id));
      jobs = await machine.claim(worker, 3);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => work(`worker-${index}`)));
  assert.equal(claimed.length, 40);
  assert.equal(new Set(claimed).size, 40);
});
