/** A whole stack, whose parts work together. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { stackForFile, withStack } from "../support/stack.ts";

const theStack = stackForFile();

Deno.test("the database has the migrations, and postgres is no superuser in it", async () => {
  const sql = postgres(theStack().stack.dbUrl, { max: 1 });
  try {
    const [row] = await sql`
      select to_regclass('public.response_jobs') as jobs, current_setting('is_superuser') as is_superuser`;
    assert.equal(row?.jobs, "response_jobs");
    assert.equal(row?.is_superuser, "off");
  } finally {
    await sql.end();
  }
});

Deno.test("Vault holds where the functions are and what wakes them", async () => {
  const { stack } = theStack();
  const sql = postgres(stack.dbUrl, { max: 1 });
  try {
    const rows = await sql`
      select name, decrypted_secret as secret from vault.decrypted_secrets
      where name like 'durable_responses_%' order by name`;
    assert.deepEqual([...rows].map((row) => ({ ...row })), [
      { name: "durable_responses_project_url", secret: stack.apiUrl },
      { name: "durable_responses_worker_secret", secret: stack.workerSecret },
    ]);
  } finally {
    await sql.end();
  }
});

Deno.test("a user signs in through the gateway and reads through PostgREST", async () => {
  const { stack } = theStack();
  const { id, email, password } = await stack.createUser();
  const options = { auth: { persistSession: false, autoRefreshToken: false } };
  const client = createClient(stack.apiUrl, stack.publishableKey, options);
  const { data } = await client.auth.signInWithPassword({ email, password });
  assert.equal(data.user?.id, id);
  const jobs = await client.from("response_jobs").select("id");
  assert.deepEqual(jobs.data, []);
});

Deno.test("functions boot with the environment of the platform", async () => {
  const { stack } = theStack();
  const response = await fetch(`${stack.functionsUrl}/run-jobs`, { method: "POST" });
  // Refused by the function itself, because there is no worker secret.
  assert.equal(response.status, 401);
  await response.body?.cancel();
  assert.equal(stack.edge.workers()[0]?.function, "run-jobs");
});

Deno.test("pg_net reaches the functions", async () => {
  const { stack } = theStack();
  const sql = postgres(stack.adminDbUrl, { max: 1 });
  try {
    const url = `${stack.functionsUrl}/run-jobs`;
    const [sent] = await sql`select net.http_post(${url}, '{}'::jsonb) as id`;
    await stack.net.flush();
    const [got] = await sql`select status_code from net._http_response where id = ${sent?.id}`;
    assert.equal(got?.status_code, 401);
  } finally {
    await sql.end();
  }
});

Deno.test("two stacks run side by side, and taken ports are no obstacle", async () => {
  const { stack: first } = theStack();
  const ports = { api: Number(new URL(first.apiUrl).port), db: first.database.port };
  await withStack({ ports }, async ({ stack: second }) => {
    assert.notEqual(second.apiUrl, first.apiUrl);
    assert.notEqual(second.database.port, first.database.port);
    const { token } = await second.createUser();
    const headers = { apikey: second.publishableKey, authorization: `Bearer ${token}` };
    const response = await fetch(`${second.apiUrl}/rest/v1/response_jobs?select=id`, { headers });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), []);
  });
});
