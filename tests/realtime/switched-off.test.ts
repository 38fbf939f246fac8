import assert from "node:assert/strict";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { withDatabase } from "../support/database.ts";

Deno.test("a project without Realtime takes the migrations, and its jobs go their way", async () => {
  await withDatabase(async (db) => {
    await db.admin`drop schema realtime cascade`;
    await migrate({ dbUrl: db.url });
    const [row] = await db.owner`select public.enqueue_response_job('hello') as id`;
    const [job] = await db.owner`select status from public.response_jobs where id = ${row?.["id"]}`;
    assert.equal(job?.["status"], "queued");
  }, { migrations: false });
});
