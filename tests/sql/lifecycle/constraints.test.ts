import assert from "node:assert/strict";
import { insertRow, jobRow } from "../../support/job-rows.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";
import { type Case, cases, validRows } from "./constraint-cases.ts";

const partsOfJob = ["response_attempts", "response_steps"];
const byConstraint = Map.groupBy(cases, ({ constraint }) => constraint);

for (const [constraint, broken] of byConstraint) {
  sqlTest(`${constraint} makes ${count(broken)} impossible`, async ({ db }) => {
    for (const { table, row } of broken) {
      const whole = partsOfJob.includes(table) ? { ...row, job_id: await someJob() } : row;
      await refused(insertRow(db.owner, table, whole), "23514", constraint);
    }

    async function someJob(): Promise<string> {
      const job = jobRow("queued");
      await insertRow(db.owner, "response_jobs", job);
      return String(job["id"]);
    }
  });
}

sqlTest("a row of each status with its own columns is accepted", async ({ db }) => {
  for (const row of validRows) await insertRow(db.owner, "response_jobs", row);
});

// The cases name every constraint of these tables; a new one fails here until constraint-cases.ts has a case for it.
sqlTest("every named check constraint has a case", async ({ db }) => {
  const rows = await db.owner<{ name: string }[]>`
    select conname as name from pg_constraint
    where contype = 'c' and connamespace = 'public'::regnamespace and conrelid <> 0
  `;
  assert.deepEqual(rows.map(({ name }) => name).sort(), [...byConstraint.keys()].sort());
});

sqlTest("a second settings row is impossible", async ({ db }) => {
  await refused(insertRow(db.owner, "response_settings", { only_row: true }), "23505");
});

function count(broken: Case[]): string {
  return `${broken.length} kind${broken.length === 1 ? "" : "s"} of wrong row`;
}
