import assert from "node:assert/strict";
import type { TestDatabase } from "../../support/database.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";
import {
  definerFunctions,
  operatorFunctions,
  ownerOnly,
  serviceFunctions,
  userFunctions,
  userHelpers,
} from "./function-table.ts";

interface FunctionRow {
  name: string;
  signature: string;
  config: string[] | null;
  definer: boolean;
  comment: string | null;
  public: boolean;
  anon: boolean;
  authenticated: boolean;
  service_role: boolean;
}

async function functions({ owner }: TestDatabase): Promise<FunctionRow[]> {
  return [
    ...await owner<FunctionRow[]>`
      select p.proname as name, p.oid::regprocedure::text as signature, p.proconfig as config,
        p.prosecdef as definer, obj_description(p.oid, 'pg_proc') as comment,
        exists (
          select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) grants
          where grants.grantee = 0 and grants.privilege_type = 'EXECUTE'
        ) as public,
        has_function_privilege('anon', p.oid, 'execute') as anon,
        has_function_privilege('authenticated', p.oid, 'execute') as authenticated,
        has_function_privilege('service_role', p.oid, 'execute') as service_role
      from pg_proc p
      where p.pronamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      order by signature
    `,
  ];
}

/** Sorted. A name that several functions share counts once. */
const once = (names: string[]) => [...new Set(names)].sort();

sqlTest("every function pins an empty search_path", async ({ db }) => {
  const open = (await functions(db)).filter(({ config }) => !config?.includes('search_path=""'));
  assert.deepEqual(open.map(({ signature }) => signature), []);
});

sqlTest(
  "no function runs with its owner's rights but those that announce, and the operators' four",
  async ({ db }) => {
    const definers = (await functions(db)).filter(({ definer }) => definer);
    const signatures = definers.map(({ signature }) => signature).sort();
    assert.deepEqual(signatures, [...definerFunctions, ...operatorFunctions].sort());
    const callable = definers.filter((row) => row.public || row.service_role);
    assert.deepEqual(
      callable.map(({ signature }) => signature).sort(),
      [
        ...definerFunctions.filter((name) => !/announce\(|record_deleted/.test(name)),
        ...operatorFunctions,
      ]
        .sort(),
    );
  },
);

sqlTest(
  "no function can be executed by public or anon, and just those of the table by authenticated",
  async ({ db }) => {
    const rows = await functions(db);
    assert.deepEqual(rows.filter((row) => row.public || row.anon), []);
    const users = rows.filter((row) => row.authenticated).map(({ name }) => name);
    assert.deepEqual(once(users), once([...userFunctions, ...userHelpers]));
  },
);

sqlTest(
  "the functions in public are those of the table, and service_role may execute just its own",
  async ({ db }) => {
    const rows = (await functions(db)).filter(({ signature }) => !signature.startsWith("durable_"));
    const granted = rows.filter(({ service_role }) => service_role).map(({ name }) => name);
    const withheld = rows.filter(({ service_role }) => !service_role).map(({ name }) => name);
    assert.deepEqual(once(granted), once(serviceFunctions));
    assert.deepEqual(once(withheld), once(ownerOnly));
  },
);

sqlTest("every function has a comment", async ({ db }) => {
  const silent = (await functions(db)).filter(({ comment }) => !comment);
  assert.deepEqual(silent.map(({ signature }) => signature), []);
});

for (const role of ["anon", "authenticated"] as const) {
  sqlTest(`${role} is refused when it calls a function all the same`, async ({ db }) => {
    const id = crypto.randomUUID();
    for (
      const call of [
        "public.response_work_due()",
        "public.enqueue_response_job('hello')",
        `public.get_response_job('${id}')`,
        `public.cancel_response_job('${id}', p_as_service => true)`,
        "durable_responses.clock()",
        "durable_responses.uuid_v7()",
      ]
    ) {
      await refused(db.asRole(role, (sql) => sql.unsafe(`select ${call}`)), "42501");
    }
  });
}
