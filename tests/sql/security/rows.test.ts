import assert from "node:assert/strict";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const tables = ["response_jobs", "response_attempts"] as const;

async function someJobs(machine: Machine) {
  const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
  await machine.submitBackground("resp_1", { owner_id: anna });
  await machine.submitBackground("resp_2", { owner_id: ben });
  await machine.submitBackground("resp_3");
  return { anna, ben };
}

for (const table of tables) {
  sqlTest(`a user sees own rows of ${table} and no others`, async (machine) => {
    const { anna, ben } = await someJobs(machine);
    const seen = async (user: string) => {
      const rows = await machine.db.asUser(
        user,
        (sql) => sql.unsafe(`select response_id as response from public.${table}`),
      );
      return rows.map(({ response }) => response);
    };
    assert.deepEqual(await seen(anna), ["resp_1"]);
    assert.deepEqual(await seen(ben), ["resp_2"]);
    assert.deepEqual(await seen(crypto.randomUUID()), []);
  });

  sqlTest(`a token without a subject sees nothing of ${table}`, async (machine) => {
    await someJobs(machine);
    const rows = await machine.db.asRole(
      "authenticated",
      (sql) => sql.unsafe(`select response_id from public.${table}`),
    );
    assert.equal(rows.length, 0);
  });

  sqlTest(`anon may not read ${table} at all`, async (machine) => {
    await refused(
      machine.db.asRole("anon", (sql) => sql.unsafe(`select response_id from public.${table}`)),
      "42501",
    );
  });
}

for (const role of ["anon", "authenticated"] as const) {
  sqlTest(`${role} writes to no table and reads no settings`, async (machine) => {
    const { anna } = await someJobs(machine);
    const statements = [
      "insert into durable_responses.jobs (profile, input, route, created_at)" +
      " values ('default', '\"x\"', 'default', now())",
      "insert into durable_responses.waits (job_id, status, due, since, route, priority, deadline)" +
      " values (gen_random_uuid(), 'queued', now(), now(), 'default', 0, now())",
      "update durable_responses.jobs set priority = 100",
      "update durable_responses.jobs set metadata = '{}'",
      "update durable_responses.waits set due = now()",
      "delete from durable_responses.jobs",
      "delete from durable_responses.waits",
      "truncate durable_responses.jobs cascade",
      "insert into durable_responses.attempts (job_id, number, mode, outcome, started_at, finished_at)" +
      " values (gen_random_uuid(), 1, 'background', 'completed', now(), now())",
      "update durable_responses.attempts set number = 2",
      "delete from durable_responses.attempts",
      "select * from durable_responses.idempotency_keys",
      "select * from durable_responses.upstream_cancels",
      "select * from durable_responses.unread_webhooks",
      "select * from durable_responses.marks",
      "select * from public.response_watches",
      "insert into public.response_flags (job_id, code, detail, created_at)" +
      " values (gen_random_uuid(), 'late_call', 'x', now())",
      "select * from public.response_settings",
      "update public.response_settings set retention_days = 1",
      "select * from public.response_health",
      "insert into public.response_steps (job_id, number, attempt, item_id, kind, status, started_at)" +
      " values (gen_random_uuid(), 1, 1, 'item', 'reasoning', 'started', now())",
      "update public.response_steps set status = 'void'",
      "delete from public.response_steps",
      "update public.response_routes set breaker = 'closed'",
      "delete from public.response_workers",
    ];
    for (const statement of statements) {
      await refused(
        machine.db.asRole(role, (sql) => sql.unsafe(statement), { sub: anna }),
        "42501",
      );
    }
  });
}

sqlTest("a user sees the steps of own jobs and no others", async (machine) => {
  const { anna, ben } = await someJobs(machine);
  const { id, attempt } = await machine.submitRunning({ owner_id: anna });
  await machine.call("save_response_steps", {
    p_job_id: id,
    p_attempt: attempt,
    p_steps: [{ item_id: "item_1", kind: "reasoning", status: "finished" }],
  });
  const seen = async (user: string) => {
    const rows = await machine.db.asUser(
      user,
      (sql) => sql`select job_id from public.response_steps`,
    );
    return rows.map(({ job_id }) => job_id);
  };
  assert.deepEqual(await seen(anna), [id]);
  assert.deepEqual(await seen(ben), []);
});

sqlTest("the service role reads everything, and writes through no view", async (machine) => {
  await someJobs(machine);
  const rows = await machine.asService((sql) => sql`select * from public.response_jobs`);
  assert.equal(rows.length, 3);
  await refused(machine.asService((sql) => sql`delete from public.response_jobs`), "55000");
});

sqlTest("row level security is on for every table in public", async ({ db }) => {
  const rows = await db.owner`
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity
  `;
  assert.deepEqual(rows.map(({ relname }) => relname), []);
});
