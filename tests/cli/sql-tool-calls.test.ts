/** The check and sql_tool_query(), which makes the calls, agree on which calls find a function. */
import assert from "node:assert/strict";
import postgres from "postgres";
import type { Facts } from "../../packages/cli/src/sql-tools/facts.ts";
import { resolve } from "../../packages/cli/src/sql-tools/resolve.ts";
import type { Machine } from "../support/machine.ts";
import { refused } from "../support/refused.ts";
import { sqlTest } from "../support/sql-test.ts";

/** The overloads of each name: their argument lists. */
const functions: Record<string, string[]> = {
  none: [""],
  one: ["a integer"],
  with_default: ["a integer, b integer default 1, c integer default 2"],
  out_too: ["a integer, out b integer"],
  parted: ["a integer", "a integer, b integer"],
  twice: ["a integer", "a text"],
  shadowed: ["a integer", "a integer, b integer default 1"],
};
const names = ["a", "b", "c"];

/** Every combination of fields that are required, optional or missing. */
const allFields = names.reduce<{ all: string[]; required: string[] }[]>(
  (before, name) =>
    before.flatMap(({ all, required }) => [
      { all, required },
      { all: [...all, name], required },
      { all: [...all, name], required: [...required, name] },
    ]),
  [{ all: [], required: [] }],
);

function subsets(all: string[], required: string[]): string[][] {
  return all.filter((name) => !required.includes(name)).reduce<string[][]>(
    (before, name) => before.flatMap((given) => [given, [...given, name]]),
    [required],
  );
}

async function makeFunctions({ db }: Machine): Promise<void> {
  for (const [name, overloads] of Object.entries(functions)) {
    for (const list of overloads) {
      const returns = list.includes("out ") ? "" : "returns integer";
      await db.owner.unsafe(
        `create function public.${name}(${list}) ${returns} language sql as 'select 1'`,
      );
    }
  }
}

/** Whether the database would make the call. Asked once for each combination. */
async function callable({ db }: Machine, name: string, given: string[]): Promise<boolean> {
  const args = db.owner.json(Object.fromEntries(given.map((field) => [field, 1])));
  const query = db.owner`select durable_responses.sql_tool_query(${`public.${name}`}, ${args})`;
  return await query.then(() => true, (error: unknown) => {
    if (!(error instanceof postgres.PostgresError) || error.code !== "DR500") throw error;
    return false;
  });
}

sqlTest("fields are said to fit where each of their calls is made, and only there", async (m) => {
  await makeFunctions(m);
  const facts: Facts = Object(
    await m.call("describe_sql_tools", {
      p_functions: Object.keys(functions).map((name) => `public.${name}`),
    }),
  );
  for (const name of Object.keys(functions)) {
    const made = new Map<string, boolean>();
    for (const given of subsets(names, [])) {
      made.set([...given].sort().join(), await callable(m, name, given));
    }
    for (const { all, required } of allFields) {
      const fields = { all: Object.fromEntries(all.map((field) => [field, {}])), required };
      const resolved = resolve(fields, facts[`public.${name}`] ?? []);
      assert.equal(
        "found" in resolved,
        subsets(all, required).every((given) => made.get([...given].sort().join()) === true),
        `${name} with ${JSON.stringify({ all, required, ...resolved })}`,
      );
    }
  }
});

sqlTest("a variadic function is not called by name, as is said of it", async (m) => {
  await m.db.owner.unsafe(
    `create function public.many(variadic a integer[]) returns integer language sql as 'select 1'`,
  );
  const [row] = await m.db.owner`
    select durable_responses.sql_tool_query('public.many', '{"a": [1]}') as query`;
  await refused(m.db.owner.unsafe(String(row?.["query"]), ['{"a": [1]}']), "42883");
});
