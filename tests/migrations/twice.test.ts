import assert from "node:assert/strict";
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { dumpSchema } from "../../scripts/schema/dump.ts";
import { withDatabase } from "../support/database.ts";

Deno.test("applied twice through the real CLI, the second run changes nothing", async () => {
  await withDatabase(async ({ url, owner }) => {
    await migrate({ dbUrl: url });
    const [schema, history] = [await dumpSchema(owner), await applied(owner)];
    const files = [...Deno.readDirSync(join(projectRoot, "supabase", "migrations"))];
    assert.equal(history.length, files.length);
    await migrate({ dbUrl: url });
    assert.deepEqual(await applied(owner), history);
    assert.equal(await dumpSchema(owner), schema);
  }, { migrations: false });
});

Deno.test("a second run keeps the jobs and the settings that were changed meanwhile", async () => {
  await withDatabase(async ({ url, owner }) => {
    await migrate({ dbUrl: url });
    await owner`update public.response_settings set retention_days = 3`;
    await owner`select public.enqueue_response_job('hello')`;
    await migrate({ dbUrl: url });
    const [settings] = await owner`select retention_days from public.response_settings`;
    assert.equal(settings?.["retention_days"], 3);
    assert.equal((await owner`select from public.response_jobs`).length, 1);
  }, { migrations: false });
});

async function applied(sql: Parameters<typeof dumpSchema>[0]) {
  return [...await sql`select version from supabase_migrations.schema_migrations order by version`];
}
