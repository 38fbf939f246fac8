import assert from "node:assert/strict";
import { z } from "zod";
import { queueMany } from "../../support/job-rows.ts";
import { needEndlessLife } from "../../support/job-state.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const answer = z.object({
  jobs: z.array(z.object({ id: z.uuid(), owner_key: z.guid() })),
  spare_workers: z.number(),
});

const fourOwners = ["1", "2", "3", "4"].map((digit) =>
  `00000000-0000-4000-8000-00000000000${digit}`
);
const [A, B, C, D] = fourOwners as [string, string, string, string];

/** Puts `count` due jobs of an owner into the queue. */
async function fill(m: Machine, owner: string | null, count: number, more = {}) {
  for (let made = 0; made < count; made++) await m.submit({ owner_id: owner, ...more });
}

async function claimOwners(m: Machine, limit: number, after?: string): Promise<string[]> {
  const { jobs } = answer.parse(
    await m.call("claim_response_work", {
      p_worker: "worker-1",
      p_limit: limit,
      ...(after !== undefined && { p_after_owner: after }),
    }),
  );
  return jobs.map(({ owner_key }) => owner_key);
}

sqlTest("one owner's 10,000 jobs do not hold up another's one", async (m) => {
  await m.submit({ owner_id: A });
  await queueMany(m.db.owner, { count: 10_000, at: m.clock.now, owners: [A] });
  m.clock.advance(1000);
  await m.submit({ owner_id: B });
  assert.deepEqual(await claimOwners(m, 4), [A, B, A, A]);
});

sqlTest("owners take turns from claim to claim, and it goes round", async (m) => {
  for (const owner of fourOwners) await fill(m, owner, 3);
  assert.deepEqual(await claimOwners(m, 3, B), [C, D, A]);
  assert.deepEqual(await claimOwners(m, 3, A), [B, C, D]);
  assert.deepEqual(await claimOwners(m, 6, D), [A, B, C, D, A, B]);
  assert.deepEqual(await claimOwners(m, 6), []);
});

sqlTest("jobs of servers take their turn as one owner", async (m) => {
  await fill(m, null, 5);
  await fill(m, A, 5);
  const zeros = "00000000-0000-0000-0000-000000000000";
  assert.deepEqual(await claimOwners(m, 4, A), [zeros, A, zeros, A]);
  assert.deepEqual(await claimOwners(m, 2, zeros), [A, zeros]);
});

sqlTest("priority comes before fairness, and is used up before the next", async (m) => {
  await fill(m, A, 10, { priority: 10 });
  await fill(m, B, 1, { priority: 10 });
  await fill(m, C, 5);
  assert.deepEqual(await claimOwners(m, 8), [A, B, A, A, A, A, A, A]);
  assert.deepEqual(await claimOwners(m, 8), [A, A, A, C, C, C, C, C]);
});

sqlTest("owners whose jobs do not fit this worker do not stand in others' way", async (m) => {
  for (const owner of [A, B, C]) await fill(m, owner, 2);
  await needEndlessLife(m.db.owner);
  await fill(m, D, 1);
  const { jobs } = answer.parse(
    await m.call("claim_response_work", { p_worker: "w", p_limit: 2, p_life_ms: 100_000 }),
  );
  assert.deepEqual(jobs.map(({ owner_key }) => owner_key), [D]);
});

sqlTest("claims at once take different jobs, and all of them", async (m) => {
  for (const owner of fourOwners) await fill(m, owner, 10);
  const claims = await Promise.all(
    Array.from({ length: 10 }, (_, n) => m.claim(`worker-${n}`, 4)),
  );
  const ids = claims.flat().map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const rest = await m.claim("worker-last", 40);
  assert.equal(ids.length + rest.length, 40);
});
