import assert from "node:assert/strict";
import {
  insertRow,
  insertStored,
  isFinalStatus,
  moveDirectly,
  storedJob,
} from "../../support/job-rows.ts";
import {
  type JobStatus,
  jobStatuses,
} from "../../../supabase/functions/_durable_responses/model/status.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

/** `from to`, for each transition. */
async function transitions({ db }: Machine): Promise<Set<string>> {
  const rows = await db.owner<{ from: string; to: string }[]>`
    select from_status as "from", to_status as "to" from durable_responses.transitions`;
  return new Set(rows.map(({ from, to }) => `${from} ${to}`));
}

for (const from of jobStatuses) {
  sqlTest(
    `an update from ${from} goes through exactly where the table allows it`,
    async (machine) => {
      const table = await transitions(machine);
      for (const to of jobStatuses) {
        const stored = storedJob(from);
        await insertStored(machine.db.admin, stored);
        const id = String(stored.job["id"]);
        const move = moveDirectly(machine.db.owner, id, from, to);
        const stays = from === to && !isFinalStatus(from);
        if (stays || table.has(`${from} ${to}`)) {
          await move;
          assert.equal((await machine.row(id))["status"], to);
          continue;
        }
        const error = await refused(move, "DR409");
        assert.match(
          error.message,
          isFinalStatus(from) ? /a \w+ job is final/ : /there is no such transition/,
        );
        assert.equal((await machine.row(id))["status"], from);
      }
    },
  );
}

sqlTest("a job begins exactly where the table allows it", async (machine) => {
  const table = await transitions(machine);
  for (const status of jobStatuses.filter((status) => !isFinalStatus(status))) {
    const { job, wait } = storedJob(status);
    assert.ok(wait);
    const begin = machine.db.owner.begin(async (sql) => {
      await insertRow(sql, "durable_responses.jobs", job);
      await insertRow(sql, "durable_responses.waits", wait);
    });
    if (table.has(`new ${status}`)) await begin;
    else await refused(begin, "DR409");
  }
});

sqlTest("the table knows the statuses that the tests and the views know", async (machine) => {
  const rows = await machine.db.owner<{ status: string; final: boolean }[]>`
    select status, final from durable_responses.statuses`;
  assert.deepEqual(rows.map(({ status }) => status).sort(), [...jobStatuses].sort());
  for (const { status, final } of rows) {
    assert.equal(final, isFinalStatus(status as JobStatus), status);
  }
  const known = new Set([...jobStatuses, "new"]);
  for (const pair of await transitions(machine)) {
    for (const status of pair.split(" ")) assert.ok(known.has(status as JobStatus), pair);
  }
});

sqlTest("no transition leaves a final status, and none stays where it is", async (machine) => {
  for (const pair of await transitions(machine)) {
    const [from, to] = pair.split(" ");
    assert.ok(!isFinalStatus(from as JobStatus), pair);
    assert.notEqual(from, to);
  }
});

sqlTest("every status that is not final can be left for failed or cancelled", async (machine) => {
  const table = await transitions(machine);
  for (const from of jobStatuses.filter((status) => !isFinalStatus(status))) {
    for (const to of ["failed", "cancelled"]) assert.ok(table.has(`${from} ${to}`), from);
  }
});

sqlTest("only a claim's way leads into running: from queued", async (machine) => {
  const table = await transitions(machine);
  assert.deepEqual(jobStatuses.filter((from) => table.has(`${from} running`)), ["queued"]);
});

sqlTest("only a run that goes on there goes back to background", async (machine) => {
  const table = await transitions(machine);
  assert.deepEqual(jobStatuses.filter((from) => table.has(`${from} background`)), ["running"]);
});

sqlTest(
  "the clock stops in exactly the statuses that ask somebody, and each expires",
  async (machine) => {
    const rows = await machine.db.owner<{ status: string; code: string }[]>`
    select status, expired_code as code from durable_responses.statuses where clock_stops order by status`;
    assert.deepEqual(rows.map(({ status, code }) => `${status} ${code}`), [
      "awaiting_approval approval_expired",
      "awaiting_tool_output tool_output_expired",
      "needs_review review_expired",
    ]);
  },
);

sqlTest("what belonged to a status goes with it", async (machine) => {
  const stored = storedJob("running");
  await insertStored(machine.db.admin, stored);
  const id = String(stored.job["id"]);
  await machine.asService((sql) =>
    sql`update durable_responses.waits set status = 'needs_review', review_reason = 'r', warnings = '{odd}' where job_id = ${id}`
  );
  let row = await machine.row(id);
  assert.deepEqual([row["leased_by"], row["review_reason"]], [null, "r"]);
  assert.deepEqual([row["deadline"], row["deadline_left_ms"]], [null, "0"]);
  await machine.asService((sql) =>
    sql`update durable_responses.waits set status = 'queued', due = durable_responses.clock() where job_id = ${id}`
  );
  row = await machine.row(id);
  assert.deepEqual([row["review_reason"], row["ready"]], [null, true]);
  assert.deepEqual([row["deadline"], row["deadline_left_ms"]], [machine.clock.now, null]);
});
