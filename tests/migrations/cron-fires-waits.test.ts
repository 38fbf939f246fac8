import assert from "node:assert/strict";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { debianTest } from "./support/debian-test.ts";

// pg_cron 1.4 fires only at full minutes, and this is the product's own schedule, so the test takes up to 60 s.
debianTest(
  "the real pg_cron, which missed its jobs in the migration, runs the wake command once connected: the request for a due job is queued",
  async ({ url, owner, admin }) => {
    const [scheduler] = await admin<{ pid: number }[]>`
      select pid from pg_stat_activity where application_name = 'pg_cron scheduler'`;
    assert.ok(scheduler);
    // As on a machine that gives pg_cron no CPU at that moment. The migration makes more cache invalidations than Postgres
    // keeps for a process that does not read them, and pg_cron does not notice that those of its jobs were dropped. Without
    // `connect`, it would never run the jobs.
    const connect = () =>
      owner`select public.connect_response_worker('http://127.0.0.1:9', 'worker-secret-of-a-test')`;
    Deno.kill(scheduler.pid, "SIGSTOP");
    try {
      await migrate({ dbUrl: url });
      // While nothing can run: a minute may begin at any time, and its run must find the job.
      await owner`select public.enqueue_response_job('hello')`;
      await connect();
    } finally {
      Deno.kill(scheduler.pid, "SIGCONT");
    }
    const run = await eventually("a run of durable-responses-wake", async () => {
      // Again, because the first one may be dropped with the rest.
      await connect();
      const rows = await owner`
      select d.status, d.return_message, d.username from cron.job_run_details d join cron.job j using (jobid)
      where j.jobname = 'durable-responses-wake' and d.end_time is not null
    `;
      return rows[0];
    }, { timeoutMs: 300_000, everyMs: 2_000 });
    assert.equal(run["status"], "succeeded", run["return_message"]);
    assert.equal(run["username"], "postgres");
    const requests = await admin`
    select url, headers ->> 'x-worker-secret' as secret from net.http_request_queue
  `;
    assert.deepEqual([...requests], [
      { url: "http://127.0.0.1:9/functions/v1/run-jobs", secret: "worker-secret-of-a-test" },
    ]);
  },
);
