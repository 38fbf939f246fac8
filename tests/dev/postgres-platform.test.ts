import assert from "node:assert/strict";
import { withDatabase } from "../support/database.ts";

const platform = { migrations: false };

Deno.test("extensions install unchanged as the role that runs migrations, and twice", async () => {
  await withDatabase(async ({ owner }) => {
    for (let times = 0; times < 2; times++) {
      await owner.unsafe(`
        create extension if not exists pg_cron with schema pg_catalog;
        create extension if not exists pg_net with schema extensions;
        create extension if not exists supabase_vault with schema vault;
      `);
    }
    const installed = await owner`
      select extname, extversion from pg_extension where extname in ('pg_cron', 'pg_net', 'supabase_vault') order by 1
    `;
    assert.deepEqual([...installed.values()], [
      { extname: "pg_cron", extversion: "1.6.4" },
      { extname: "pg_net", extversion: "0.20.0" },
      { extname: "supabase_vault", extversion: "0.3.1" },
    ]);
  }, platform);
});

Deno.test("an API role has the platform's timeout; the database's owner and service_role pass RLS", async () => {
  await withDatabase(async ({ asRole }) => {
    const timeout = (role: Parameters<typeof asRole>[0]) =>
      asRole(role, async (sql) => (await sql`show statement_timeout`)[0]?.["statement_timeout"]);
    assert.equal(await timeout("anon"), "3s");
    assert.equal(await timeout("authenticated"), "8s");
    const bypass = await asRole("postgres", (sql) =>
      sql`
      select rolname from pg_roles where rolbypassrls and rolname in ('anon', 'authenticated', 'postgres', 'service_role')
      order by 1
    `);
    assert.deepEqual(bypass.map(({ rolname }) => rolname), ["postgres", "service_role"]);
  }, platform);
});

Deno.test("policies see who asks: a user own rows, another user none, anon none, service_role all", async () => {
  await withDatabase(async ({ owner, asRole, asUser, createUser }) => {
    const [mine, other] = [await createUser(), await createUser()];
    await owner.unsafe(`
      create table public.notes (owner uuid not null references auth.users (id));
      alter table public.notes enable row level security;
      create policy "own" on public.notes for select to authenticated using (owner = (select auth.uid()));
    `);
    await owner`insert into public.notes ${owner({ owner: mine })}`;
    const count = (sql: Parameters<Parameters<typeof asRole>[1]>[0]) =>
      sql`select * from public.notes`.then((rows) => rows.length);
    assert.equal(await asUser(mine, count), 1);
    assert.equal(await asUser(other, count), 0);
    assert.equal(await asRole("anon", count), 0);
    assert.equal(await asRole("service_role", count), 1);
  }, platform);
});

Deno.test("a migration may write policies on realtime.messages and change nothing else there", async () => {
  await withDatabase(async ({ owner }) => {
    await owner.unsafe(`
      create policy "listen" on realtime.messages for select to authenticated
      using (extension = 'broadcast' and (select realtime.topic()) = 'mine');
    `);
    for (
      const forbidden of [
        "alter table realtime.messages enable row level security",
        "alter table realtime.messages add column extra int",
        "drop table realtime.messages",
        "create table realtime.mine (id int)",
        "alter table auth.users add column extra int",
        "set role supabase_realtime_admin",
      ]
    ) {
      await assert.rejects(owner.unsafe(forbidden), { code: "42501" }, forbidden);
    }
    await owner`drop policy "listen" on realtime.messages`;
  }, platform);
});

Deno.test("realtime.send stores a broadcast and swallows its errors as the platform does", async () => {
  await withDatabase(async ({ owner }) => {
    await owner`select realtime.send('{"status": "completed"}', 'changed', 'job:1', true)`;
    await owner`select realtime.send('{}', null, null, true)`;
    const messages = await owner`
      select topic, event, extension, private, payload ->> 'status' as status from realtime.messages
    `;
    assert.deepEqual([...messages.values()], [
      {
        topic: "job:1",
        event: "changed",
        extension: "broadcast",
        private: true,
        status: "completed",
      },
    ]);
  }, platform);
});

Deno.test("the vault gives secrets back to postgres, not to API roles, and does not keep them in the clear", async () => {
  await withDatabase(async ({ owner, asRole }) => {
    const [made] = await owner<
      { id: string }[]
    >`select vault.create_secret('früh', 'mine', 'a note') as id`;
    await owner`select vault.update_secret(${made?.id ?? ""}, 'spät')`;
    const [found] = await owner`
      select name, description, decrypted_secret, secret like '%spät%' as clear from vault.decrypted_secrets
    `;
    assert.deepEqual(found, {
      name: "mine",
      description: "a note",
      decrypted_secret: "spät",
      clear: false,
    });
    await assert.rejects(owner`select vault.create_secret('again', 'mine')`, { code: "23505" });
    for (const role of ["anon", "authenticated"] as const) {
      await assert.rejects(asRole(role, (sql) => sql`select * from vault.decrypted_secrets`), {
        code: "42501",
      });
    }
  }, platform);
});
