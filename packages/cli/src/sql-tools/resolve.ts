/**
 * Which overload a call of the tool finds, by the rule of sql_tool_query() in the schema: one that has an argument for each
 * given field, and gets each argument without a default. There must be exactly one, whatever fields a model leaves out.
 */
import type { PostgresFunction } from "./facts.ts";

export interface Fields {
  /** Name and JSON Schema of each. */
  all: Readonly<Record<string, unknown>>;
  required: readonly string[];
}

/** @returns the functions that calls find, or why a call finds none, or several */
export function resolve(
  { all, required }: Fields,
  functions: PostgresFunction[],
): { found: PostgresFunction[] } | { why: string } {
  const found = new Set<PostgresFunction>();
  for (const given of callsOf(Object.keys(all), required)) {
    const takers = functions.filter((each) => takes(each, given));
    const [first] = takers;
    if (first === undefined) return { why: whyNone(given, functions) };
    if (takers.length > 1) {
      const which = takers.map(({ signature }) => signature).join(" and ");
      return { why: `${which} match a call with ${listed(given)}, so Postgres calls neither` };
    }
    found.add(first);
  }
  return { found: [...found] };
}

/** All fields, the required ones, and either with one optional field added or left out. */
function callsOf(all: readonly string[], required: readonly string[]): string[][] {
  const optional = all.filter((name) => !required.includes(name));
  return [
    [...all],
    [...required],
    ...optional.map((name) => [...required, name]),
    ...optional.map((name) => all.filter((other) => other !== name)),
  ];
}

function takes({ arguments: taken }: PostgresFunction, given: readonly string[]): boolean {
  return missing(taken, given).length === 0 && unknown(taken, given).length === 0;
}

type Arguments = PostgresFunction["arguments"];
const missing = (taken: Arguments, given: readonly string[]) =>
  taken.filter(({ name, optional }) => !optional && !given.includes(name));
const unknown = (taken: Arguments, given: readonly string[]) =>
  given.filter((name) => !taken.some((argument) => argument.name === name));

function whyNone(given: readonly string[], functions: PostgresFunction[]): string {
  const [only, ...others] = functions;
  if (only === undefined || others.length > 0) {
    return `none of the ${functions.length} functions of this name matches a call with ${
      listed(given)
    }`;
  }
  const extra = unknown(only.arguments, given);
  const wanted = missing(only.arguments, given);
  return [
    ...(extra.length > 0 ? [`${only.signature} has no argument ${quoted(extra)}`] : []),
    ...(wanted.some(({ name }) => name === "")
      ? [`${only.signature} has an argument without a name, and arguments are given by name`]
      : []),
    ...(wanted.some(({ name }) => name !== "")
      ? [
        `${only.signature} cannot do without ${
          quoted(wanted.flatMap(({ name }) => name === "" ? [] : [name]))
        }, which ${
          given.length === 0 ? "is not given" : `a call with ${listed(given)} leaves out`
        }`,
      ]
      : []),
  ].join("; ");
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
const listed = (names: readonly string[]) => names.length === 0 ? "no field" : quoted(names);
