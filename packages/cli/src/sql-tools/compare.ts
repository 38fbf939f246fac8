/** Compares each `sqlTool()` with the Postgres function that it names, to report what would fail at the first call. */
import { z } from "zod";
import type { ProfileFinding, SqlToolText } from "../check/report.ts";
import type { Facts, PostgresFunction } from "./facts.ts";
import { type Fields, resolve } from "./resolve.ts";
import { misfitOf } from "./type-fit.ts";

type Found = Omit<ProfileFinding, "profile" | "path">;

const inputSchema = z.looseObject({
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z.unknown().optional(),
});

export function compareTool(tool: SqlToolText, facts: Facts): Found[] {
  const named = facts[tool.function] ?? [];
  const functions = named.filter(({ kind }) => kind === "f");
  if (functions.length === 0) {
    return [wrong(
      tool,
      named.length === 0
        ? `there is no function ${tool.function} in the database`
        : `${tool.function} is not a plain function, but a procedure, an aggregate or a window function`,
      "Create it in a migration, or correct `function`; then npx supabase db push",
    )];
  }
  const { properties: all, required, additionalProperties } = inputSchema.parse(tool.input);
  const fields = { all, required };
  const resolved = resolve(fields, functions);
  const checked = (each: PostgresFunction) => [
    ...refusals(tool, each),
    ...misfits(tool, each, fields),
    ...dangers(tool, each),
  ];
  if ("why" in resolved) {
    const refused = wrong(
      tool,
      resolved.why,
      functions.length > 1
        ? "Give the function that you mean a name of its own, and use that name"
        : "Give the fields of inputSchema the names of the function's arguments. Every argument without a default needs one",
    );
    // With several of the name, it is not known which one is meant.
    return [refused, ...(functions.length === 1 ? functions.flatMap(checked) : [])];
  }
  return [
    ...(additionalProperties === undefined || additionalProperties === false ? [] : [warn(
      tool,
      `inputSchema lets unknown fields through, and ${tool.function} may have no such argument`,
      "Use z.object(), which leaves them out",
    )]),
    ...resolved.found.flatMap(checked),
  ];
}

/** Problems that make every call fail. */
function refusals(tool: SqlToolText, called: PostgresFunction): Found[] {
  const { signature } = called;
  const role = tool.as === "user" ? "authenticated" : "service_role";
  const may = tool.as === "user" ? called.user_may : called.service_may;
  return [
    ...(called.variadic
      ? [wrong(
        tool,
        `${signature} is variadic, and arguments are given by name`,
        "Declare the last argument as an array, without variadic",
      )]
      : []),
    ...(may ? [] : [wrong(
      tool,
      `the tool runs as ${role}, which may not execute ${signature}`,
      `grant execute on function ${signature} to ${role}, and usage on its schema`,
    )]),
  ];
}

function misfits(tool: SqlToolText, called: PostgresFunction, { all }: Fields): Found[] {
  return called.arguments.flatMap(({ name, type }) => {
    const misfit = Object.hasOwn(all, name) ? misfitOf(all[name], type) : undefined;
    if (misfit === undefined) return [];
    const { severity, given, wanted } = misfit;
    const message = severity === "wrong"
      ? `its field '${name}' is ${given}, and the argument is ${type.name}`
      : `its field '${name}' is ${given}, and not every value of that is ${article(type.name)}`;
    return [
      told(severity, tool, message, `Make '${name}' ${wanted}, or change the argument's type`),
    ];
  });
}

/** Functions that work, but give a call more than the user's rights. docs/tools.md says more. */
function dangers(
  tool: SqlToolText,
  { signature, security_definer, dynamic_sql, sets_role }: PostgresFunction,
) {
  return [
    ...(security_definer
      ? [warn(
        tool,
        `${signature} is SECURITY DEFINER: it runs with its owner's rights, whoever the user is`,
        "Make sure that it checks auth.uid() itself, or make it SECURITY INVOKER",
      )]
      : []),
    ...(dynamic_sql
      ? [warn(
        tool,
        `${signature} has dynamic SQL (execute), which could reset the role if it contains text from the model`,
        "Make sure that it passes values with `using` and names with format('%I'), or write it without execute",
      )]
      : []),
    ...(sets_role
      ? [warn(
        tool,
        `${signature} sets a role or the request's claims, so it may act as somebody else`,
        'Let it run as whoever calls it. For a tool with all rights there is as: "service"',
      )]
      : []),
  ];
}

const article = (type: string) => `${/^[aeiou]/i.test(type) ? "an" : "a"} ${type}`;

function told(severity: Found["severity"], tool: SqlToolText, why: string, hint: string): Found {
  return { severity, message: `The tool '${tool.name}': ${why}`, hint };
}

const wrong = (tool: SqlToolText, why: string, hint: string) => told("wrong", tool, why, hint);
const warn = (tool: SqlToolText, why: string, hint: string) => told("warn", tool, why, hint);
