import assert from "node:assert/strict";
import { columnsOf, insertRow, jobRow, updateJob } from "../../support/job-rows.ts";
import { type JobStatus, jobStatuses } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const finals: JobStatus[] = ["completed", "failed", "cancelled"];

async function transitionTable({ db }: Machine): Promise<Map<string, boolean>> {
  const rows = await db.owner<{ from: JobStatus; to: JobStatus; allowed: boolean }[]>`
    select a.status as "from", b.status as "to", durable_responses.transition_allowed(a.status, b.status) as allowed
    from unnest(enum_range(null::public.response_job_status)) a(status),
      unnest(enum_range(null::public.response_job_status)) b(status)
  `;
  return new Map(rows.map(({ from, to, allowed }) => [`${from} ${to}`, allowed]));
}

async function moveDirectly({ db }: Machine, from: JobStatus, to: JobStatus): Promise<void> {
  const row = jobRow(from);
  await insertRow(db.owner, "response_jobs", row);
  await updateJob(db.owner, String(row["id"]), columnsOf(to));
}

for (const from of jobStatuses) {
  sqlTest(
    `an update from ${from} goes through exactly where the table allows it`,
    async (machine) => {
      const table = await transitionTable(machine);
      for (const to of jobStatuses) {
        const isFinal = finals.includes(from);
        const allowed = !isFinal && (from === to || table.get(`${from} ${to}`) === true);
        const move = moveDirectly(machine, from, to);
        if (allowed) await move;
        else {
          const error = await refused(move, "DR409");
          assert.match(
            error.message,
            isFinal ? /a \w+ job is final/ : /there is no such transition/,
          );
        }
      }
    },
  );
}

sqlTest("no transition leaves a final status, and none stays where it is", async (machine) => {
  const table = await transitionTable(machine);
  assert.equal(table.size, jobStatuses.length ** 2);
  for (const [pair, allowed] of table) {
    const [from, to] = pair.split(" ");
    if (finals.some((status) => status === from) || from === to) {
      assert.equal(allowed, false, pair);
    }
  }
});

sqlTest("every status that is not final can be left for failed or cancelled", async (machine) => {
  const table = await transitionTable(machine);
  for (const from of jobStatuses.filter((status) => !finals.includes(status))) {
    for (const to of ["failed", "cancelled"]) assert.equal(table.get(`${from} ${to}`), true, from);
  }
});

sqlTest("only a claim's way leads into running: from queued", async (machine) => {
  const table = await transitionTable(machine);
  const sources = jobStatuses.filter((from) => table.get(`${from} running`));
  assert.deepEqual(sources, ["queued"]);
});

sqlTest("nothing goes back to background", async (machine) => {
  const table = await transitionTable(machine);
  assert.deepEqual(jobStatuses.filter((from) => table.get(`${from} background`)), []);
});
