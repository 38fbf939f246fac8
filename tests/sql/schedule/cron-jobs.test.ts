import assert from "node:assert/strict";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("pg_cron wakes every 10 seconds and prunes every hour, as postgres", async ({ db }) => {
  const rows = await db.owner`
    select jobname, schedule, command, username, active from cron.job
    where jobname like 'durable-responses-%' order by jobname
  `;
  const common = { username: "postgres", active: true };
  assert.deepEqual([...rows], [
    {
      jobname: "durable-responses-delete",
      schedule: "* * * * *",
      command: "select public.run_response_deletions()",
      ...common,
    },
    {
      jobname: "durable-responses-prune",
      schedule: "17 * * * *",
      command: "select public.prune_response_jobs()",
      ...common,
    },
    {
      jobname: "durable-responses-wake",
      schedule: "10 seconds",
      command: "select public.wake_response_worker()",
      ...common,
    },
  ]);
});
