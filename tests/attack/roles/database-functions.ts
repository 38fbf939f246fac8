/** Every function in public, called through the Data API, and every function with more rights than its caller. */
import assert from "node:assert/strict";
import type { Sql } from "postgres";
import { z } from "zod";
import type { TestStack } from "../../support/stack.ts";
import { apiHeaders, callers, credentialsOf } from "./callers.ts";
import { tableUnder } from "./page.ts";

interface FunctionRow {
  name: string;
  /** Names of the arguments without a default. */
  required: string[];
}

/** Without computed relationships. Their only argument has no name, so they are embedded, not called. */
async function functionsOf(sql: Sql): Promise<FunctionRow[]> {
  return [
    ...await sql<FunctionRow[]>`
      select proname as name,
        coalesce(proargnames[1:pronargs - pronargdefaults], '{}') as required
      from pg_proc p
      where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype
        and (pronargs = 0 or proargnames is not null)
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      order by proname`,
  ];
}

const refusal = z.looseObject({ code: z.string().optional() });

export function testDatabaseFunctions(theStack: () => TestStack): void {
  const table = tableUnder("Database functions");
  assert.deepEqual(table.columns, [...callers]);

  Deno.test("database functions: called through the Data API, as docs/security.md says", async () => {
    const { stack, sql } = theStack();
    const credentials = await credentialsOf(theStack());
    const truth = new Map<string, string[]>();
    for (const { name, required } of await functionsOf(sql)) {
      const seen: string[] = [];
      for (const caller of callers) {
        const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/${name}`, {
          method: "POST",
          headers: { ...apiHeaders(credentials[caller]), "content-type": "application/json" },
          body: JSON.stringify(Object.fromEntries(required.map((argument) => [argument, null]))),
        });
        const text = await response.text();
        const { code } = refusal.safeParse(text === "" ? {} : JSON.parse(text)).data ?? {};
        assert.notEqual(code, "PGRST202", `${name} was not found: ${text}`);
        // A caller who is told that the arguments are wrong got in.
        const inside = code !== "42501" && response.status !== 401;
        seen.push(inside ? "yes" : "no");
      }
      truth.set(name, seen);
    }
    // One row for all functions that only a secret key may call.
    const onlyServers = ["no", "no", "no", "no", "yes", "no", "no"];
    const special = new Map([...truth].filter(([, seen]) => seen.join() !== onlyServers.join()));
    const { rows } = table;
    assert.deepEqual(rows.get("every other"), onlyServers);
    const documented = new Map([...rows].filter(([name]) => name !== "every other"));
    assert.deepEqual([...special].sort(), [...documented].sort());
  });

  Deno.test("every security definer function is listed, with who may execute it and why", async () => {
    const found = await theStack().sql<{ name: string; executors: string }[]>`
      select p.oid::regprocedure::text as name,
        coalesce((
          select string_agg(role, ', ' order by role)
          from unnest(array['anon', 'authenticated', 'service_role']) as role
          where has_function_privilege(role, p.oid, 'execute')
        ), 'nobody') as executors
      from pg_proc p
      where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)`;
    const { rows } = tableUnder("Functions with their owner's rights");
    const documented = [...rows].map(([name, [executors, why]]) => {
      assert.ok((why ?? "").length > 40, `${name} is not justified`);
      return [name, executors];
    });
    assert.deepEqual(
      documented.sort(),
      found.map(({ name, executors }) => [name, executors]).sort(),
    );
  });
}
