import assert from "node:assert/strict";
import { insertRow, insertStored } from "../../support/job-rows.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";
import { type Case, cases, validJobs, validOthers } from "./constraint-cases.ts";

const byConstraint = Map.groupBy(cases, ({ constraint }) => constraint);

for (const [constraint, broken] of byConstraint) {
  sqlTest(`${constraint} makes ${count(broken)} impossible`, async ({ db }) => {
    for (const { table, row, job } of broken) {
      if (job) await insertRow(db.owner, "durable_responses.jobs", job);
      // A trigger would mend some of it, or refuse it first.
      const write = db.admin.begin(async (sql) => {
        await sql`set local session_replication_role = replica`;
        await insertRow(sql, table, row);
      });
      await refused(write, "23514", constraint);
    }
  });
}

sqlTest("a job of each status with its own columns is accepted", async ({ db }) => {
  for (const stored of validJobs) await insertStored(db.admin, stored);
});

sqlTest("so is what the other cases start from", async ({ db }) => {
  for (const { table, row, job } of validOthers) {
    if (job) await insertRow(db.owner, "durable_responses.jobs", job);
    await insertRow(db.owner, table, row);
  }
});

// The cases name every constraint of these tables; a new one fails here until constraint-cases.ts has a case for it.
sqlTest("every named check constraint has a case", async ({ db }) => {
  const rows = await db.owner<{ name: string }[]>`
    select conname as name from pg_constraint
    where contype = 'c' and connamespace in ('public'::regnamespace, 'durable_responses'::regnamespace) and conrelid <> 0
  `;
  assert.deepEqual(rows.map(({ name }) => name).sort(), [...byConstraint.keys()].sort());
});

sqlTest("a second settings row is impossible", async ({ db }) => {
  await refused(insertRow(db.owner, "public.response_settings", { only_row: true }), "23505");
});

function count(broken: Case[]): string {
  return `${broken.length} kind${broken.length === 1 ? "" : "s"} of wrong row`;
}
