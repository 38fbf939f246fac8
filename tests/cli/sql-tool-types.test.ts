/** The check's verdict on a field and an argument's type matches what Postgres does with the field's values. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { Facts } from "../../packages/cli/src/sql-tools/facts.ts";
import { misfitOf } from "../../packages/cli/src/sql-tools/type-fit.ts";
import { sqlTest } from "../support/sql-test.ts";

const types = [
  "smallint",
  "integer",
  "bigint",
  "numeric",
  "double precision",
  "boolean",
  "text",
  "varchar",
  "date",
  "timestamptz",
  "interval",
  "uuid",
  "integer[]",
  "text[]",
  "jsonb",
  "public.mood",
  "public.moods",
  "public.pair",
  "public.positive",
];

/** Values of each kind. For every type of Postgres, one of the strings is valid. */
const samples: Record<string, unknown[]> = {
  string: [
    "5",
    "x",
    "true",
    "2026-01-01",
    "1 day",
    "{}",
    "(1,2)",
    "good",
    "6f0a3c1e-0000-4000-8000-000000000000",
  ],
  number: [1.5, 1, 20260101],
  integer: [1, 20260101],
  boolean: [true, false],
  // Not [1], whose text Postgres reads as an interval of 1 s, which nobody means.
  array: [[1, 2], ["good"], [[1], [2]], []],
  object: [{ a: 1 }, {}],
};

sqlTest("a field that is said not to fit is refused, one that fits is taken", async (m) => {
  await m.db.owner.unsafe(`
    create type public.mood as enum ('good', 'bad');
    create domain public.moods as public.mood[];
    create type public.pair as (a integer, b integer);
    create domain public.positive as integer check (value > 0);
    create function public.all_types(${types.map((type, at) => `a${at} ${type}`).join(", ")})
    returns void language sql as '';
    create function public.reads(p_type text, p_value jsonb) returns boolean language plpgsql as $$
    begin
      execute format('select from jsonb_to_record($1) as given (a %s)', p_type) using jsonb_build_object('a', p_value);
      return true;
    exception when others then
      return false;
    end;
    $$;
  `);
  const facts: Facts = Object(
    await m.call("describe_sql_tools", { p_functions: ["public.all_types"] }),
  );
  const taken = facts["public.all_types"]?.[0]?.arguments ?? [];
  assert.equal(taken.length, types.length);
  for (const [at, type] of types.entries()) {
    const { type: described } = taken[at] ?? assert.fail(type);
    for (const [given, values] of Object.entries(samples)) {
      const reads: boolean[] = [];
      for (const value of values) {
        const [row] = await m.db.owner`
          select public.reads(${type}, ${m.db.owner.json(z.json().parse(value))}) as reads`;
        reads.push(row?.["reads"] === true);
      }
      const misfit = misfitOf({ type: given }, described);
      const what = `${given} for ${type}: ${JSON.stringify(misfit)}, ${JSON.stringify(reads)}`;
      assert.equal(misfit?.severity === "wrong", !reads.includes(true), what);
    }
  }
});

sqlTest("an argument of no real type takes nothing, and items count in arrays", async (m) => {
  await m.db.owner.unsafe(`
    create function public.odd(a anyelement, b integer[]) returns void language sql as '';
  `);
  const facts: Facts = Object(await m.call("describe_sql_tools", { p_functions: ["public.odd"] }));
  const [any, numbers] = facts["public.odd"]?.[0]?.arguments ?? [];
  assert.equal(any && misfitOf({}, any.type)?.severity, "wrong");
  const items = (type: string) => ({ type: "array", items: { type } });
  assert.deepEqual(numbers && misfitOf(items("boolean"), numbers.type), {
    severity: "wrong",
    given: "array of boolean",
    wanted: "z.array(z.int())",
  });
  assert.equal(numbers && misfitOf(items("integer"), numbers.type), undefined);
  const matrix = { type: "array", items: items("integer") };
  assert.equal(numbers && misfitOf(matrix, numbers.type), undefined);
});
