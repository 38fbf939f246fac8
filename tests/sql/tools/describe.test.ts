/** describe_sql_tools(), whose result check and doctor compare with tools. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const described = z.record(z.string(), z.array(z.record(z.string(), z.unknown())));

async function describe(m: Machine, ...names: string[]) {
  return described.parse(await m.call("describe_sql_tools", { p_functions: names }));
}

sqlTest(
  "arguments are told in order, with defaults and what their types are made of",
  async (m) => {
    await m.db.owner.unsafe(`
    create type public.mood as enum ('good', 'bad');
    create domain public.moods as public.mood[];
    create function public.shapes(a integer, inout b text, moods public.moods, out c integer, d numeric default 1, e jsonb default null)
    language sql as $$ select b, 1 $$;
  `);
    const plain = (name: string, category: string) => ({ name, base: name, category });
    const mood = { ...plain("public.mood", "E"), labels: ["good", "bad"] };
    const moods = { name: "public.moods", base: "public.mood[]", category: "A", element: mood };
    const [shapes] = (await describe(m, "public.shapes"))["public.shapes"] ?? [];
    assert.deepEqual(shapes?.["arguments"], [
      { name: "a", optional: false, type: plain("integer", "N") },
      { name: "b", optional: false, type: plain("text", "S") },
      { name: "moods", optional: false, type: moods },
      { name: "d", optional: true, type: plain("numeric", "N") },
      { name: "e", optional: true, type: plain("jsonb", "U") },
    ]);
  },
);

sqlTest("what a call does not get past, or gets by it, is told", async (m) => {
  await m.db.owner.unsafe(`
    create function public.plain(a integer) returns integer language plpgsql as $$
    begin
      -- execute nothing here
      return a;
    end;
    $$;
    create function public.definer() returns void language sql security definer as '';
    create function public.dynamic(a text) returns void language plpgsql as $$
    begin
      Execute a;
    end;
    $$;
    create function public.role_in_source() returns void language plpgsql as $$
    begin
      set  local Role service_role;
    end;
    $$;
    create function public.claims() returns text language sql as $$
      select set_config('request.jwt.claims', '{}', true);
    $$;
    create function public.role_of_its_own() returns void language sql set role = 'service_role' as '';
    create function public.closed(integer) returns void language sql as '';
    revoke execute on function public.closed from public, anon, authenticated;
    create function public.many(variadic a integer[]) returns void language sql as '';
    create procedure public.proceed() language sql as '';
    create schema hidden;
    create function hidden.there() returns void language sql as '';
  `);
  const names = [
    "plain",
    "definer",
    "dynamic",
    "role_in_source",
    "claims",
    "role_of_its_own",
    "closed",
    "many",
    "proceed",
  ];
  const found = await describe(m, ...names.map((name) => `public.${name}`), "hidden.there");
  const said = Object.fromEntries(
    Object.entries(found).map(([name, [first]]) => {
      const { signature: _, arguments: __, service_may: ___, ...facts } = first ?? {};
      return [name, facts];
    }),
  );
  const plain = {
    kind: "f",
    variadic: false,
    security_definer: false,
    dynamic_sql: false,
    sets_role: false,
    user_may: true,
  };
  assert.deepEqual(said, {
    "public.plain": plain,
    "public.definer": { ...plain, security_definer: true },
    "public.dynamic": { ...plain, dynamic_sql: true },
    "public.role_in_source": { ...plain, sets_role: true },
    "public.claims": { ...plain, sets_role: true },
    "public.role_of_its_own": { ...plain, sets_role: true },
    "public.closed": { ...plain, user_may: false },
    "public.many": { ...plain, variadic: true },
    "public.proceed": { ...plain, kind: "p" },
    "hidden.there": { ...plain, user_may: false },
  });
  const unnamed = z.array(z.object({ name: z.string() }));
  assert.deepEqual(unnamed.parse(found["public.closed"]?.[0]?.["arguments"]), [{ name: "" }]);
});

sqlTest(
  "all functions of a name are told, none where there is none, and only of names that were asked",
  async (m) => {
    await m.db.owner.unsafe(`
    create function public.twice(a integer) returns integer language sql as 'select a';
    create function public.twice(a text) returns text language sql as 'select a';
  `);
    const found = await describe(m, "public.twice", "public.no_such");
    assert.deepEqual(
      Object.fromEntries(
        Object.entries(found).map(([name, all]) => [
          name,
          all.map(({ signature }) => signature),
        ]),
      ),
      { "public.twice": ["public.twice(integer)", "public.twice(text)"], "public.no_such": [] },
    );
    assert.deepEqual(await describe(m), {});
  },
);

for (const role of ["anon", "authenticated"] as const) {
  sqlTest(`${role} is not told of functions`, async ({ db }) => {
    await refused(
      db.asRole(role, (sql) => sql`select public.describe_sql_tools('{public.x}')`),
      "42501",
    );
  });
}
