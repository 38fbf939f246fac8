import assert from "node:assert/strict";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { debianTest } from "./support/debian-test.ts";

debianTest(
  "on Debian's Postgres 15 with the real pg_cron 1.4 the migrations apply, twice, and wake once a minute",
  async ({ url, owner, admin }) => {
    await migrate({ dbUrl: url });
    await migrate({ dbUrl: url });
    const [version] = await admin`select extversion from pg_extension where extname = 'pg_cron'`;
    assert.match(version?.["extversion"], /^1\.4/);
    const jobs = await owner`
    select jobname, schedule, username from cron.job where jobname like 'durable-responses-%' order by jobname
  `;
    assert.deepEqual([...jobs], [
      { jobname: "durable-responses-delete", schedule: "* * * * *", username: "postgres" },
      { jobname: "durable-responses-prune", schedule: "17 * * * *", username: "postgres" },
      { jobname: "durable-responses-wake", schedule: "* * * * *", username: "postgres" },
    ]);
    await owner`select public.enqueue_response_job('hello')`;
    const [row] = await owner`select public.prune_response_jobs() as pruned`;
    assert.deepEqual(row?.["pruned"], { jobs: 0, cron_runs: 0 });
  },
);
