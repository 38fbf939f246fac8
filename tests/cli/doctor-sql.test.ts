/** The three SQL functions that `doctor` and `connect` call. */
import assert from "node:assert/strict";
import { checkCron } from "../../packages/cli/src/doctor/cron.ts";
import { checkFiles } from "../../packages/cli/src/doctor/database.ts";
import { reportSchema } from "../../packages/cli/src/doctor/report.ts";
import { refused } from "../support/refused.ts";
import { sqlTest } from "../support/sql-test.ts";

const secret = "a secret of the test, long enough";

sqlTest(
  "connect_response_worker puts both values into Vault, and replaces them",
  async ({ db }) => {
    for (
      const [url, value] of [
        ["https://a.example/", secret],
        ["https://b.example/", "another of 16 signs"],
      ] as const
    ) {
      await db.asRole(
        "service_role",
        (sql) => sql`select public.connect_response_worker(${url}, ${value})`,
      );
    }
    const rows = await db.admin`
    select name, decrypted_secret as value from vault.decrypted_secrets
    where name like 'durable_responses_%' order by name`;
    assert.deepEqual(rows.map((row) => ({ ...row })), [
      { name: "durable_responses_project_url", value: "https://b.example" },
      { name: "durable_responses_worker_secret", value: "another of 16 signs" },
    ]);
  },
);

sqlTest("connect_response_worker refuses what cannot be right", async ({ db }) => {
  for (
    const [url, value] of [["nonsense", secret], [null, secret], ["https://a.example", "short"], [
      "https://a.example",
      null,
    ]]
  ) {
    await refused(
      db.asRole(
        "service_role",
        (sql) => sql`select public.connect_response_worker(${url ?? null}, ${value ?? null})`,
      ),
      "DR400",
    );
  }
});

sqlTest(
  "probe_response_worker says when Vault has nothing, and else queues one request with no more than the worker secret",
  async ({ db }) => {
    await refused(
      db.asRole("service_role", (sql) => sql`select public.probe_response_worker()`),
      "DR500",
    );
    await db.asRole("postgres", async (sql) => {
      await sql`select public.connect_response_worker('https://a.example', ${secret})`;
      const [probe] = await sql`select public.probe_response_worker() as it`;
      assert.equal(probe?.["it"].answer, null);
      const queued = await sql`select url, headers from net.http_request_queue where id = ${
        probe?.["it"].request_id
      }`;
      assert.deepEqual(queued.map((row) => ({ ...row })), [{
        url: "https://a.example/functions/v1/run-jobs",
        headers: { "content-type": "application/json", "x-worker-secret": secret },
      }]);
    });
  },
);

sqlTest(
  "response_doctor returns no secret, and reports of a project without the CLI's history too",
  async ({ db }) => {
    await db.asRole("postgres", async (sql) => {
      await sql`select public.connect_response_worker('https://a.example', ${secret})`;
      await sql`drop schema supabase_migrations cascade`;
      const [row] = await sql`select public.response_doctor() as report`;
      const text = JSON.stringify(row?.["report"]);
      assert.ok(!text.includes(secret));
      assert.equal(row?.["report"].migrations, null);
      assert.deepEqual(row?.["report"].vault, {
        project_url: "https://a.example",
        has_worker_secret: true,
      });
    });
  },
);

sqlTest(
  "the report says what kind of bucket keeps files, and how often one was to be removed",
  async (m) => {
    const files = async () => {
      const { files } = reportSchema.parse(await m.call("response_doctor"));
      return { ...files, verdict: checkFiles({ files }).status };
    };
    const nothing = { waiting: 0, most_tries: 0 };
    assert.deepEqual(await files(), { bucket: "private", ...nothing, verdict: "ok" });
    await m.db
      .owner`insert into durable_responses.sent_files (path, reserved_until, due, is_removing, removals)
    values ('server/a.png', now(), now(), true, 5)`;
    const failing = { waiting: 1, most_tries: 5 };
    assert.deepEqual(await files(), { bucket: "private", ...failing, verdict: "warn" });
    await m.db.admin`update storage.buckets set public = true`;
    assert.deepEqual(await files(), { bucket: "public", ...failing, verdict: "wrong" });
    await m.db.admin`update storage.buckets set id = 'other', name = 'other'`;
    assert.deepEqual(await files(), { bucket: "missing", ...failing, verdict: "warn" });
    await m.db.admin`drop schema storage cascade`;
    assert.deepEqual(await files(), { bucket: null, ...failing, verdict: "skipped" });
  },
);

sqlTest(
  "after a start of the database, cron has until its next run is due, and some seconds more",
  async (m) => {
    const report = reportSchema.parse(await m.call("response_doctor"));
    const started = Date.parse(report.started_at);
    assert.ok(started <= Date.parse(report.now), report.started_at);
    const wake = report.cron.find(({ name }) => name === "durable-responses-wake");
    assert.ok(wake);
    const iso = (seconds: number) => new Date(started + seconds * 1000).toISOString();
    const after = (seconds: number, job: Partial<typeof wake>) => {
      const cron = [{ ...wake, ...job }];
      return checkCron({ ...report, now: iso(seconds), cron });
    };
    const never = { schedule: "10 seconds", last_at: null, last_status: null };
    const before = { ...never, last_at: iso(-3600), last_status: "failed" };
    for (const job of [never, before]) {
      assert.deepEqual(after(4, job), {
        status: "skipped",
        message: "the database started 4 s ago; cron's next run is due in 6 s",
      });
      assert.match(after(39, job).message, /started 39 s ago; cron's next run is due now$/);
    }
    assert.equal(after(41, never).status, "warn");
    assert.equal(after(41, before).status, "wrong");
    assert.equal(after(4, { ...before, last_at: iso(1) }).status, "wrong");
    const each = { ...never, schedule: "* * * * *" };
    const minute = 60 - (started / 1000) % 60;
    assert.equal(after(0, each).message.match(/due in (\d+) s$/)?.[1], String(Math.ceil(minute)));
    assert.equal(after(minute + 31, each).status, "warn");
  },
);
