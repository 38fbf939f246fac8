/**
 * The checks of the public splinter collection (github.com/supabase/splinter), first those that the CLI's `supabase db
 * advisors` does not have. They are our own queries, and cover everything in our schemas, not only what is exposed.
 */
import assert from "node:assert/strict";
import { sqlTest } from "../support/sql-test.ts";

/** Each query names what is wrong. */
const lints: Record<string, string> = {
  "0008: no table has row level security and no policy, unless users have no grant on it either": `
    select c.relname as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relrowsecurity
      and not exists (select from pg_policy where polrelid = c.oid)
      and (has_any_column_privilege('anon', c.oid, 'select, insert, update')
        or has_any_column_privilege('authenticated', c.oid, 'select, insert, update'))`,
  "0010: no view has its owner's rights": `
    select relname as name from pg_class
    where relnamespace = any (array['public', 'durable_responses']::regnamespace[]) and relkind = 'v'
      and not coalesce(reloptions::text[] && array['security_invoker=true', 'security_invoker=on'], false)`,
  "0013: every table has row level security": `
    select relname as name from pg_class
    where relnamespace = any (array['public', 'durable_responses']::regnamespace[])
      and relkind in ('r', 'p') and not relrowsecurity`,
  "0015: no policy trusts what users write about themselves": `
    select policyname as name from pg_policies
    where coalesce(qual, '') || coalesce(with_check, '') ~ 'user_metadata'`,
  "0016, 0017: no materialized view or foreign table": `
    select relname as name from pg_class
    where relnamespace = any (array['public', 'durable_responses']::regnamespace[]) and relkind in ('m', 'f')`,
  "0024: no policy lets users write or see everything": `
    select policyname as name from pg_policies
    where schemaname in ('public', 'realtime', 'storage')
      and (coalesce(qual, 'true') ~* '^[(\\s]*(true|1\\s*=\\s*1)[)\\s]*$' and cmd <> 'INSERT'
        or coalesce(with_check, case when cmd = 'INSERT' then 'true' else 'x' end) ~* '^[(\\s]*(true|1\\s*=\\s*1)[)\\s]*$')`,
  "0026: anon has no right on any table or view, so GraphQL and the Data API show it none": `
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
      and (has_table_privilege('anon', oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege('anon', oid, 'select, insert, update, references'))`,
  "0028, 0029: no function with its owner's rights can be executed by anon or authenticated, but the one that asks for a claim and, not exposed, the one that notes a watch":
    `
    select p.oid::regprocedure::text as name from pg_proc p
    where p.prosecdef and p.pronamespace = any (array['public', 'durable_responses']::regnamespace[])
      and p.oid <> 'public.response_overview()'::regprocedure
      and p.oid <> 'durable_responses.register_watch(uuid, uuid, boolean)'::regprocedure
      and (has_function_privilege('anon', p.oid, 'execute')
        or has_function_privilege('authenticated', p.oid, 'execute'))`,
  "0030: no policy opens when there is no user": `
    select policyname as name from pg_policies
    where schemaname in ('public', 'realtime', 'storage') and coalesce(qual, '') || coalesce(with_check, '') ~* 'uid\\(\\).{0,20} is null'`,
  "nobody but its owner may create in our schema, only users and servers may look into it, and a user has no right to write there":
    `
    select role as name from unnest(array['anon', 'authenticated', 'service_role']) as role
    where has_schema_privilege(role, 'durable_responses', 'create')
      or role = 'anon' and has_schema_privilege(role, 'durable_responses', 'usage')
    union all
    select relname from pg_class
    where relnamespace = 'durable_responses'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
      and (has_table_privilege('authenticated', oid, 'insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege('authenticated', oid, 'insert, update, references'))`,
  "no policy is for every role": `
    select policyname as name from pg_policies where schemaname = 'public' and roles <> array['authenticated']::name[]`,
  // This is the purpose of run_sql_tool(): only servers may call it, and it looks up and quotes the name (tests/sql/tools).
  "no function takes SQL or a name to run": `
    select p.oid::regprocedure::text as name from pg_proc p
    where p.pronamespace = any (array['public', 'durable_responses']::regnamespace[]) and p.proname <> 'run_sql_tool'
      and p.prosrc ~* '\\mexecute\\s+(format|p_|v_|\\(|[a-z_]+\\s*\\|\\|)'`,
};

for (const [name, query] of Object.entries(lints)) {
  sqlTest(name, async ({ db }) => {
    const found = await db.admin.unsafe<{ name: string }[]>(query);
    assert.deepEqual(found.map(({ name }) => name), []);
  });
}

sqlTest("the lints find what they look for", async ({ db }) => {
  await db.owner.unsafe(`
    create table public.open_to_all (id int);
    grant select on public.open_to_all to anon;
    create view public.of_its_owner as select 1 as one;
    create function public.too_much() returns int language sql security definer as 'select 1';
    grant execute on function public.too_much() to anon;
    create function public.runs(p_sql text) returns void language plpgsql as 'begin execute p_sql; end';
    create table public.always (id int);
    alter table public.always enable row level security;
    create policy everything on public.always for all to anon using (true);
    create policy nobody_is_fine on public.always for select using (auth.uid() is null);
    create policy by_metadata on public.always for select to authenticated
      using ((auth.jwt() -> 'user_metadata' ->> 'admin')::boolean)`);
  const found = await Promise.all(
    Object.values(lints).map(async (query) =>
      (await db.admin.unsafe<{ name: string }[]>(query)).map(({ name }) => name)
    ),
  );
  const wrong = new Set(found.flat());
  for (
    const name of [
      "open_to_all",
      "of_its_owner",
      "too_much()",
      "runs(text)",
      "everything",
      "nobody_is_fine",
      "by_metadata",
    ]
  ) assert.ok(wrong.has(name), `${name} was not found`);
});
