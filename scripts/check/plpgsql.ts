/**
 * plpgsql_check on each of our functions, on Debian's Postgres 15: it finds mistakes that the parser accepts and that fail in
 * a run.
 */
import type { Sql } from "postgres";
import { z } from "zod";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { withDebianCluster } from "../debian-postgres/cluster.ts";
import { whatIsMissing } from "../debian-postgres/tree.ts";
import type { StepResult } from "./steps.ts";

/** A finding that is accepted, and why. */
export interface Allowed {
  /** Its message, or its detail if many findings have that message. */
  message: string;
  /** Names with their schema, without arguments. */
  functions: string[];
  why: string;
}

const cast = (from: string, to: string) => `cast "${from}" value to "${to}" type`;

export const allowed: readonly Allowed[] = [
  {
    message: 'composite OUT variable "job" is not single argument',
    functions: ["durable_responses.find_job"],
    why: "It returns a record of two rows on purpose: the job and its wait.",
  },
  {
    message: 'composite OUT variable "wait" is not single argument',
    functions: ["durable_responses.find_job"],
    why: "The same.",
  },
  {
    message: "routine is marked as VOLATILE, should be STABLE",
    functions: [
      "durable_responses.next_of_owner",
      "durable_responses.pick_of_few",
      "durable_responses.repeated_job",
    ],
    why: "They lock rows, or must see what was committed since the statement began.",
  },
  {
    message: cast("bigint", "integer"),
    functions: [
      "durable_responses.pick_of_few",
      "durable_responses.route_succeeded",
      "durable_responses.seen_worker",
      "public.claim_response_work",
    ],
    why: "A count, cast once a call.",
  },
  {
    message: cast("numeric[]", "bigint[]"),
    functions: ["public.complete_response_jobs"],
    why: "A list of ms, cast once a call.",
  },
  {
    message: cast("text", "uuid[]"),
    functions: ["durable_responses.pick_fairly", "public.claim_response_work"],
    why: "The literal '{}', which is always one.",
  },
  {
    message: cast("text", "jsonb"),
    functions: ["public.complete_response_jobs"],
    why: "The literal '[]', which is always JSON.",
  },
  {
    message: "text type variable is not sanitized",
    functions: ["public.run_sql_tool"],
    why:
      "The query is sql_tool_query()'s, in which every name is quoted and every value a parameter.",
  },
  {
    message: "immutable expression without parameters found",
    functions: ["public.response_doctor"],
    why:
      "The table is there only where the Supabase CLI has been: as dynamic SQL it may be missing.",
  },
];

const finding = z.object({
  function: z.string(),
  lineno: z.number().nullable(),
  statement: z.string().nullable(),
  level: z.string(),
  message: z.string(),
  detail: z.string().nullable(),
  hint: z.string().nullable(),
});
export type Finding = z.infer<typeof finding>;

/** Checks the functions of the migrations. Skipped if Debian's packages are missing, except in CI. */
export async function checkPlpgsql(): Promise<StepResult> {
  const missing = whatIsMissing("pg_cron", "plpgsql_check");
  if (missing !== undefined) {
    return Deno.env.get("CI") === "true" ? missing : { skipped: missing };
  }
  return await withDebianCluster(async ({ url, admin }) => {
    await migrate({ dbUrl: url });
    return describeFindings(await findAll(admin), allowed);
  });
}

/** One line for each finding that is not allowed, and for each exception that is no longer needed. */
export function describeFindings(
  findings: readonly Finding[],
  allowed: readonly Allowed[],
): string | undefined {
  const fits = (found: Finding, name: string, message: string) =>
    found.function === name && (found.message === message || found.detail === message);
  const pairs = allowed.flatMap(({ functions, message }) =>
    functions.map((name) => ({ name, message }))
  );
  const wrong = findings.filter((found) =>
    !pairs.some(({ name, message }) => fits(found, name, message))
  );
  const unneeded = pairs
    .filter(({ name, message }) => !findings.some((found) => fits(found, name, message)))
    .map(({ name, message }) =>
      `${name}: '${message}' is allowed and not found any more; take it off the list`
    );
  const lines = [...wrong.map(describeFinding), ...unneeded];
  return lines.length > 0 ? lines.join("\n") : undefined;
}

function describeFinding({ level, message, detail, hint, ...at }: Finding): string {
  const place = [at.function, at.lineno, at.statement].filter((part) => part !== null).join(":");
  return [`${place}: ${level}: ${message}`, detail, hint].filter(Boolean).join("; ");
}

/** A trigger function is checked for each of its tables, with the names that its trigger gives to changed rows. */
async function findAll(admin: Sql): Promise<Finding[]> {
  await admin`create extension plpgsql_check with schema extensions`;
  return z.array(finding).parse([
    ...await admin`
      with ours as (
        select p.oid, n.nspname || '.' || p.proname as function, p.prorettype = 'trigger'::regtype as is_trigger
        from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace
        join pg_language l on l.oid = p.prolang
        where n.nspname in ('public', 'durable_responses') and l.lanname = 'plpgsql'
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      )
      select distinct o.function, c.lineno, c.statement, c.level, c.message, c.detail, c.hint
      from ours o
      left join pg_trigger t on t.tgfoid = o.oid
      cross join lateral extensions.plpgsql_check_function_tb(
        o.oid, coalesce(t.tgrelid, 0), all_warnings => true, fatal_errors => false,
        oldtable => t.tgoldtable, newtable => t.tgnewtable) c
      where not o.is_trigger or t.oid is not null
      order by 1, 2, 5`,
  ]);
}
