import assert from "node:assert/strict";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { debianTest } from "./support/debian-test.ts";

// pg_cron 1.4 fires at full minutes only, and this is the product's own schedule: up to 60 s go by.
debianTest(
  "the real pg_cron runs the wake command, and the request for a due job is queued",
  async ({ url, owner, admin }) => {
    await migrate({ dbUrl: url });
    await owner`select vault.create_secret('http://127.0.0.1:9', 'durable_responses_project_url')`;
    await owner`select vault.create_secret('worker-secret', 'durable_responses_worker_secret')`;
    await owner`select public.enqueue_response_job('hello')`;
    const run = await eventually("a run of durable-responses-wake", async () => {
      const rows = await owner`
      select d.status, d.return_message, d.username from cron.job_run_details d join cron.job j using (jobid)
      where j.jobname = 'durable-responses-wake' and d.end_time is not null
    `;
      return rows[0];
    }, { timeoutMs: 300_000, everyMs: 500 });
    assert.equal(run["status"], "succeeded", run["return_message"]);
    assert.equal(run["username"], "postgres");
    const requests = await admin`
    select url, headers ->> 'x-worker-secret' as secret from net.http_request_queue
  `;
    assert.deepEqual([...requests], [
      { url: "http://127.0.0.1:9/functions/v1/run-jobs", secret: "worker-secret" },
    ]);
  },
);
