/** What a claim costs, counted in database pages: a backlog a hundred times as long costs the same. */
import assert from "node:assert/strict";
import { z } from "zod";
import { queueMany } from "../../support/job-rows.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const plan = z.tuple([z.object({
  "QUERY PLAN": z.tuple([z.object({
    Plan: z.object({ "Shared Hit Blocks": z.number(), "Shared Read Blocks": z.number() }),
  })]),
})]);

async function addBacklog(m: Machine, count: number, ownerCount: number) {
  await m.submit();
  const owners = Array.from(
    { length: ownerCount },
    (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  );
  await queueMany(m.db.owner, { count, at: m.clock.now, owners });
}

/** Pages that `query` reads, with a warm cache. */
async function pages(m: Machine, query: string): Promise<number> {
  return await m.asService(async (sql) => {
    let seen = 0;
    for (let time = 0; time < 2; time++) {
      await sql`savepoint before`;
      const [{ "QUERY PLAN": [{ Plan }] }] = plan.parse([
        ...await sql.unsafe(`explain (analyze, buffers, format json) ${query}`),
      ]);
      seen = Plan["Shared Hit Blocks"] + Plan["Shared Read Blocks"];
      await sql`rollback to before`;
    }
    return seen;
  });
}

const claimStatement = "select public.claim_response_work('worker-1', 8, 30000, 100000, 100000)";

for (const owners of [1, 50]) {
  sqlTest(
    `a claim of eight from ${owners} owners costs no more with 20,000 jobs waiting`,
    async (m) => {
      await addBacklog(m, 200, owners);
      const short = await pages(m, claimStatement);
      await addBacklog(m, 19_800, owners);
      const long = await pages(m, claimStatement);
      // An index that is a level or two deeper costs a page or two more for each probe.
      assert.ok(long < short * 2, `${short} pages with 200 jobs, ${long} with 20,000`);
    },
  );
}

sqlTest("asking whether work is due costs no more with 20,000 jobs waiting", async (m) => {
  await addBacklog(m, 200, 5);
  const short = await pages(m, "select public.response_work_due()");
  await addBacklog(m, 19_800, 5);
  const long = await pages(m, "select public.response_work_due()");
  assert.ok(long < short * 2 + 10, `${short} pages with 200 jobs, ${long} with 20,000`);
});
