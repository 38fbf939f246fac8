import assert from "node:assert/strict";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { debianTest } from "./support/debian-test.ts";

// pg_cron 1.4 fires at full minutes only, and this is the product's own schedule: up to 60 s go by.
debianTest(
  "the real pg_cron runs the wake command, and the request for a due job is queued",
  async ({ url, owner, admin }) => {
    await migrate({ dbUrl: url });
    const connect = () =>
      owner`select public.connect_response_worker('http://127.0.0.1:9', 'worker-secret-of-a-test')`;
    await owner`select public.enqueue_response_job('hello')`;
    const run = await eventually("a run of durable-responses-wake", async () => {
      // Each has pg_cron read its jobs anew. It may have missed them in the migration's invalidations, which are more than
      // fit where its scheduler gets no CPU meanwhile; and these of the first as well, for the same reason.
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
