import assert from "node:assert/strict";
import { z } from "zod";
import type { JobStatus } from "../../../supabase/functions/_durable_responses/model/status.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const day = 24 * 60 * 60 * 1000;
const counts = z.tuple([
  z.object({ pruned: z.object({ jobs: z.number(), cron_runs: z.number() }) }),
]);

async function prune({ db, clock }: Machine, limit = 10_000) {
  return await db.owner.begin(async (sql) => {
    await clock.pin(sql);
    const rows = await sql`select public.prune_response_jobs(${limit}) as pruned`;
    return counts.parse([...rows])[0].pruned;
  });
}

async function statuses({ db }: Machine) {
  const rows = await db.owner<{ status: JobStatus }[]>`
    select status from public.response_jobs order by status
  `;
  return rows.map(({ status }) => status);
}

sqlTest(
  "finished jobs go after the retention, with their attempts; others stay",
  async (machine) => {
    const finals = ["completed", "failed", "cancelled"] as const;
    const waiting = ["background", "awaiting_approval", "needs_review"] as const;
    for (const status of [...finals, ...waiting]) await machine.jobIn(status);
    machine.clock.advance(30 * day);
    assert.deepEqual(await prune(machine), { jobs: 0, cron_runs: 0 });
    machine.clock.advance(1);
    assert.deepEqual(await prune(machine), { jobs: 3, cron_runs: 0 });
    assert.deepEqual(await statuses(machine), [...waiting].sort());
    const orphans = await machine.db.owner`
    select from public.response_attempts a
    where not exists (select from public.response_jobs j where j.id = a.job_id)
  `;
    assert.equal(orphans.length, 0);
  },
);

sqlTest("the settings say how long jobs and cron history stay", async (machine) => {
  await machine.db
    .owner`update public.response_settings set retention_days = 2, cron_history_days = 3`;
  await machine.jobIn("completed");
  await addRun(machine, machine.clock.now, machine.clock.now);
  machine.clock.advance(2 * day + 1);
  assert.deepEqual(await prune(machine), { jobs: 1, cron_runs: 0 });
  machine.clock.advance(day);
  assert.deepEqual(await prune(machine), { jobs: 0, cron_runs: 1 });
});

sqlTest("a job stays while OpenAI has not confirmed its cancellation", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  machine.clock.advance(31 * day);
  assert.equal((await prune(machine)).jobs, 0);
  await machine.call("confirm_upstream_cancel", { p_job_id: id, p_attempt: 1 });
  assert.equal((await prune(machine)).jobs, 1);
});

sqlTest("one call deletes at most its limit, the oldest first", async (machine) => {
  const first = await machine.jobIn("completed");
  machine.clock.advance(1000);
  const second = await machine.jobIn("completed");
  machine.clock.advance(31 * day);
  assert.equal((await prune(machine, 1)).jobs, 1);
  const rows = await machine.db.owner`select id from public.response_jobs`;
  assert.deepEqual(rows.map(({ id }) => id), [second]);
  assert.notEqual(first, second);
});

sqlTest(
  "cron runs that never ended or never started go too, once they are old",
  async (machine) => {
    const { now } = machine.clock;
    // A server that restarts leaves end_time empty; a run that could not connect has neither time.
    await addRun(machine, now, null);
    await addRun(machine, null, null);
    await addRun(machine, now, now);
    machine.clock.advance(6 * day);
    await addRun(machine, null, null);
    await addRun(machine, machine.clock.now, null);
    machine.clock.advance(day + 1);
    assert.equal((await prune(machine)).cron_runs, 3);
    const [left] = await machine.db.admin`select count(*)::int as runs from cron.job_run_details`;
    assert.equal(left?.["runs"], 2);
  },
);

sqlTest("a job retried and pruned leaves its retry alone", async (machine) => {
  const id = await machine.jobIn("failed");
  machine.clock.advance(31 * day);
  await machine.call("retry_response_job", { p_job_id: id, p_as_service: true });
  assert.equal((await prune(machine)).jobs, 1);
  const [row] = await machine.db.owner`select retry_of, status from public.response_jobs`;
  assert.deepEqual(row, { retry_of: id, status: "queued" });
});

async function addRun({ db }: Machine, start: Date | null, end: Date | null): Promise<void> {
  await db.admin`
    insert into cron.job_run_details (jobid, database, username, command, status, start_time, end_time)
    values (1, current_database(), 'postgres', 'select 1', 'succeeded', ${start}, ${end})
  `;
}

sqlTest(
  "the history of the adopter's own cron jobs is theirs, however old, and jobs that are gone too",
  async (machine) => {
    const old = new Date(machine.clock.now.getTime() - 365 * day);
    const [own] = await machine.db.admin`
    insert into cron.job (schedule, command, jobname) values ('* * * * *', 'select 1', 'nightly-report') returning jobid`;
    for (const jobid of [own?.["jobid"], 999_999]) {
      await machine.db.admin`
      insert into cron.job_run_details (jobid, start_time, end_time) values (${jobid}, ${old}, ${old}), (${jobid}, null, null)`;
    }
    await addRun(machine, old, old);
    assert.equal((await prune(machine)).cron_runs, 1);
    const [left] = await machine.db.admin`select count(*)::int as runs from cron.job_run_details`;
    assert.equal(left?.["runs"], 4);
  },
);
