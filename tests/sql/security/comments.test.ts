import assert from "node:assert/strict";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("every table, view and type of ours has a comment", async ({ db }) => {
  const rows = await db.owner<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
      and c.relkind in ('r', 'p', 'v', 'm') and obj_description(c.oid, 'pg_class') is null
    union all
    select t.typname from pg_type t
    where t.typnamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
      and t.typtype in ('e', 'd') and obj_description(t.oid, 'pg_type') is null
  `;
  assert.deepEqual(rows.map(({ name }) => name), []);
});

sqlTest(
  "every column of every table and of every view that people read has a comment",
  async ({ db }) => {
    const rows = await db.owner<{ name: string }[]>`
    select format('%s.%s', c.relname, a.attname) as name
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
      -- durable_responses.work is for functions: its comment explains its one value.
      and (c.relkind in ('r', 'p') or c.relkind = 'v' and c.relnamespace = 'public'::regnamespace) and a.attnum > 0 and not a.attisdropped
      and col_description(c.oid, a.attnum) is null
  `;
    assert.deepEqual(rows.map(({ name }) => name), []);
  },
);

sqlTest("every index but the primary keys says what it is for", async ({ db }) => {
  const rows = await db.owner<{ name: string }[]>`
    select c.relname as name from pg_class c join pg_index i on i.indexrelid = c.oid
    where c.relnamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
      and not i.indisprimary and obj_description(c.oid, 'pg_class') is null
  `;
  assert.deepEqual(rows.map(({ name }) => name), []);
});
