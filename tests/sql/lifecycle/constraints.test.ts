import assert from "node:assert/strict";
import { insertRow, insertStored, updateRow } from "../../support/job-rows.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";
import { cases, guardCases, validJobs, validOthers } from "./constraint-cases.ts";

const byConstraint = Map.groupBy(cases, ({ constraint }) => constraint);

for (const [constraint, broken] of byConstraint) {
  sqlTest(`${constraint} makes ${count(broken)} impossible`, async ({ db }) => {
    for (const { table, row, job } of broken) {
      if (job) await insertRow(db.owner, "durable_responses.jobs", job);
      // A trigger would fix some of it, or refuse it first.
      const write = db.admin.begin(async (sql) => {
        await sql`set local session_replication_role = replica`;
        await insertRow(sql, table, row);
      });
      await refused(write, "23514", constraint);
    }
  });
}

const byGuard = Map.groupBy(
  guardCases,
  ({ constraint, table }) => constraint ?? `the guard of ${table}`,
);
for (const [guard, broken] of byGuard) {
  sqlTest(`${guard} makes ${count(broken)} impossible`, async ({ db }) => {
    for (const { constraint, table, row, job, then } of broken) {
      if (job) await insertRow(db.owner, "durable_responses.jobs", job);
      const write = async () => {
        await insertRow(db.owner, table, row);
        if (then) await updateRow(db.owner, table, "job_id", String(row["job_id"]), then);
      };
      await refused(write(), constraint ? "23514" : "DR409", constraint);
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

// A new constraint fails here until constraint-cases.ts has a case for it.
sqlTest("every named check constraint has a case", async ({ db }) => {
  const rows = await db.owner<{ name: string }[]>`
    select conname as name from pg_constraint
    where contype = 'c' and connamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
  `;
  assert.deepEqual(rows.map(({ name }) => name).sort(), [...byConstraint.keys()].sort());
});

sqlTest("a second settings row is impossible", async ({ db }) => {
  await refused(insertRow(db.owner, "public.response_settings", { only_row: true }), "23505");
});

function count(broken: unknown[]): string {
  return `${broken.length} kind${broken.length === 1 ? "" : "s"} of wrong row`;
}
