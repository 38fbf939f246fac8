/** Claims start at marks, but never skip a job that waits, or whose worker is lost. */
import assert from "node:assert/strict";
import { z } from "zod";
import { claimJobs } from "../../support/claim-jobs.ts";
import { queueMany } from "../../support/job-rows.ts";
import { expireLease, readyStamp, removeAllJobs } from "../../support/job-state.ts";
import type { Machine } from "../../support/machine.ts";
import { openTransaction } from "../../support/open-transaction.ts";
import { callFunction } from "../../support/function-call.ts";
import { sqlTest } from "../../support/sql-test.ts";

const claimed = z.object({ jobs: z.array(z.object({ id: z.uuid(), owner_key: z.guid() })) });

/** Moves the marks as far as possible, with a claim that finds nothing, late enough to write them. */
async function moveMarks(machine: Machine): Promise<void> {
  machine.clock.advance(1000);
  await machine.claim("worker-0", 0);
  assert.deepEqual(await machine.claim("worker-0"), []);
}

async function markOf(machine: Machine, route: string) {
  const [mark] = await machine.db.owner`
    select ready_from::text, leases_from from durable_responses.marks where route = ${route}`;
  return mark;
}

sqlTest("a mark moves past what was claimed", async (machine) => {
  await machine.submitRunning();
  await moveMarks(machine);
  const before = BigInt(String((await markOf(machine, "default"))?.["ready_from"]));
  const stamp = await readyStamp(machine.db.owner, (await machine.submitRunning()).id);
  await moveMarks(machine);
  const after = BigInt(String((await markOf(machine, "default"))?.["ready_from"]));
  assert.ok(before <= stamp && stamp < after);
});

sqlTest("a job whose submit commits after the mark has moved on is claimed", async (machine) => {
  await machine.submitRunning();
  const slow = await openTransaction(machine);
  try {
    const query = { p_query: "slow" };
    const id = await callFunction(slow.sql, "public.enqueue_response_job", query);
    await machine.submitRunning();
    await moveMarks(machine);
    await slow.commit();
    assert.deepEqual((await machine.claim()).map((work) => work.id), [id]);
  } finally {
    await slow.rollback();
  }
});

sqlTest(
  "a job that a claim gave up by a rollback is claimed though the mark moved",
  async (machine) => {
    const { id } = await machine.submit();
    const held = await openTransaction(machine);
    try {
      assert.equal((await claimJobs(held.sql, "worker-1", 1)).length, 1);
      await moveMarks(machine);
      await held.rollback();
      assert.deepEqual((await machine.claim()).map((work) => work.id), [id]);
    } finally {
      await held.rollback();
    }
  },
);

sqlTest("a job that waits again, however it came to, is claimed again", async (machine) => {
  const first = await machine.submitRunning({ backoff_base_ms: 1, backoff_cap_ms: 1 });
  await moveMarks(machine);
  await machine.call("release_response_jobs", {
    p_worker: "worker-1",
    p_jobs: [{ id: first.id, attempt: first.attempt }],
  });
  const [second] = await machine.claim();
  assert.equal(second?.id, first.id);
  await moveMarks(machine);
  await machine.call("retry_response_later", {
    p_job_id: first.id,
    p_attempt: second?.attempt ?? 0,
    p_error: { code: "openai_timeout", message: "m" },
  });
  machine.clock.advance(1000);
  assert.equal((await machine.claim())[0]?.id, first.id);
});

sqlTest("a lease that was made to end before the mark is found lost at once", async (machine) => {
  const { id } = await machine.submitRunning({ backoff_base_ms: 1, backoff_cap_ms: 1 });
  await moveMarks(machine);
  const mark = await markOf(machine, "");
  assert.deepEqual(mark?.["leases_from"], machine.clock.now);
  const before = new Date(machine.clock.now.getTime() - 5000);
  await machine.asService((sql) => expireLease(sql, id, before));
  await machine.claim("worker-2", 0);
  assert.equal((await machine.row(id))["status"], "queued");
});

sqlTest("marks of another time line are not believed", async (machine) => {
  await machine.submitRunning();
  await machine.db.owner`
    update durable_responses.marks set ready_from = '9000000000000000000', leases_from = 'infinity'`;
  const { id } = await machine.submit();
  assert.deepEqual((await machine.claim()).map((work) => work.id), [id]);
  // A lease's mark proves nothing, so it is not trusted for long.
  machine.clock.advance(60_000);
  assert.equal((await machine.claim("worker-2", 0)).length, 0);
  assert.equal((await machine.row(id))["status"], "queued");
});

sqlTest("few are ordered as many are: by priority, then owners in turn", async (machine) => {
  const owners = ["1", "2", "3"].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
  const order = async (after: string | undefined, extra: number) => {
    await removeAllJobs(machine.db.owner);
    for (const priority of [0, 5]) {
      for (const owner_id of [...owners, ...owners.slice(1)]) {
        await machine.submit({ priority, owner_id });
      }
    }
    // After all others, so many that they no longer count as few.
    await queueMany(machine.db.owner, { count: extra, at: machine.clock.now, priority: -1 });
    const seen: string[] = [];
    for (let claims = 0; claims < 4; claims++) {
      const answer = await machine.call("claim_response_work", {
        p_worker: "worker-1",
        p_limit: 3,
        ...(claims === 0 && after !== undefined && { p_after_owner: after }),
      });
      const { jobs } = claimed.parse(answer);
      for (const { id, owner_key } of jobs) {
        seen.push(`${(await machine.row(id))["priority"]} ${owner_key.at(-1)}`);
      }
    }
    return seen;
  };
  for (const after of [undefined, owners[0], owners[1]]) {
    assert.deepEqual(await order(after, 0), (await order(after, 300)).slice(0, 10));
  }
});
