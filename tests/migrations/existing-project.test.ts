import assert from "node:assert/strict";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { withProject } from "./support/project.ts";

// An existing project: tables with data, policies and triggers, a type, a function, a cron job, and pg_cron, pg_net and
// realtime in use.
const shop = `
  create extension if not exists pg_cron with schema pg_catalog;
  create extension if not exists pg_net with schema extensions;
  create type public.order_status as enum ('open', 'paid');
  create table public.orders (
    id bigint generated always as identity primary key,
    owner_id uuid not null,
    status public.order_status not null default 'open',
    note text
  );
  comment on table public.orders is 'Orders of the shop.';
  alter table public.orders enable row level security;
  create policy orders_owner on public.orders to authenticated using (owner_id = (select auth.uid()));
  create function public.clock() returns timestamptz language sql as 'select now()';
  create schema shop;
  create table shop.jobs (id int primary key, status text);
  insert into shop.jobs values (1, 'queued');
  insert into public.orders (owner_id, note)
  select '11111111-1111-1111-1111-111111111111', 'order ' || n from generate_series(1, 50) n;
  alter publication supabase_realtime add table public.orders;
  select cron.schedule('shop-report', '0 6 * * *', 'select 1');
`;

const later = `alter table public.orders add column paid_at timestamptz;`;

async function describeShop({ admin }: TestDatabase) {
  const [data, grants, policies, jobs, functions, published] = [
    await admin`select * from public.orders order by id`,
    await admin`
      select relname, relacl::text, relrowsecurity from pg_class
      where relnamespace = 'public'::regnamespace and relname in ('orders', 'jobs') order by relname
    `,
    await admin`select * from pg_policies where tablename = 'orders'`,
    await admin`select jobname, schedule, command, active from cron.job where jobname = 'shop-report'`,
    await admin`
      select proname, proacl::text from pg_proc where pronamespace = 'public'::regnamespace and proname = 'clock'
    `,
    await admin`select tablename from pg_publication_tables where tablename = 'orders'`,
  ];
  return [data, grants, policies, jobs, functions, published].map((rows) => [...rows]);
}

Deno.test("a project that has tables, data and cron jobs keeps all of it", async () => {
  await withDatabase((db) =>
    withProject({ "20250101000000_shop.sql": shop }, async (workdir) => {
      await db.owner.unsafe(shop);
      const before = await describeShop(db);
      await db.owner.unsafe("create schema supabase_migrations");
      await db.owner.unsafe(
        "create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)",
      );
      await db
        .owner`insert into supabase_migrations.schema_migrations values ('20250101000000', null, 'shop')`;
      await migrate({ dbUrl: db.url, workdir });
      assert.deepEqual(await describeShop(db), before);
      await db.owner`select public.enqueue_response_job('hello')`;
      const jobs = await db.owner`select from public.response_jobs`;
      assert.equal(jobs.length, 1);
    }), { migrations: false });
});

Deno.test("a new project's own migrations before and after ours go in with them", async () => {
  const others = { "20250101000000_shop.sql": shop, "20991231000000_later.sql": later };
  await withDatabase((db) =>
    withProject(others, async (workdir) => {
      await migrate({ dbUrl: db.url, workdir });
      const [order] = await db.owner`select note, paid_at from public.orders order by id limit 1`;
      assert.deepEqual(order, { note: "order 1", paid_at: null });
      const users = await db.asUser(
        "11111111-1111-1111-1111-111111111111",
        (sql) => sql`select from public.orders`,
      );
      assert.equal(users.length, 50);
    }), { migrations: false });
});
