/**
 * A tool's input schema in the form that OpenAI accepts for a function: one schema that it refuses fails the whole request.
 */
import { isRecord } from "../../model/is-record.ts";

export type Schema = Record<string, unknown>;

/** Keywords that OpenAI does not accept at the top level of a function's parameters. */
const notAtTheTop = ["oneOf", "anyOf", "allOf", "enum", "not", "const"];
const types = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);
/** Deeper schemas are a mistake or malicious, and would overflow the stack. */
const deepest = 64;
const longest = 100_000;

/**
 * The schema, repaired where that does not change its meaning: an array gets its items, an object its properties. Keywords
 * that only narrow the input at the top level are left out, because the server checks its input itself.
 * @returns a problem if the schema cannot be repaired
 */
export function usableSchema(schema: unknown): { schema: Schema } | { problem: string } {
  if (!isRecord(schema)) return { problem: "its inputSchema must be an object" };
  const { type = "object" } = schema;
  if (type !== "object") {
    return { problem: `its inputSchema must be of type object, not ${shown(type)}` };
  }
  const text = JSON.stringify(schema);
  if (text.length > longest) {
    return {
      problem: `its inputSchema has ${text.length} characters, and at most ${longest} can be sent`,
    };
  }
  const problem = problemOf(schema, 0);
  if (problem !== undefined) return { problem };
  const top = Object.fromEntries(
    Object.entries({ ...schema, type: "object" }).filter(([name]) => !notAtTheTop.includes(name)),
  );
  const repaired = repair(top);
  return { schema: isRecord(repaired) ? { properties: {}, ...repaired } : top };
}

/** Problems that cannot be repaired. */
function problemOf(schema: unknown, depth: number): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isRecord(schema)) return `its inputSchema has ${shown(schema)} where a schema belongs`;
  if (depth > deepest) return `its inputSchema is more than ${deepest} levels deep`;
  const wrongType = [schema["type"] ?? []].flat().find((type) =>
    typeof type !== "string" || !types.has(type)
  );
  if (wrongType !== undefined) return `its inputSchema has the unknown type ${shown(wrongType)}`;
  const { properties, required, pattern } = schema;
  if (properties !== undefined && !isRecord(properties)) {
    return "its inputSchema has 'properties' that are not an object";
  }
  const named = Array.isArray(required) && required.every((name) => typeof name === "string");
  if (required !== undefined && !named) {
    return "its inputSchema has a 'required' that is not a list of names";
  }
  if (pattern !== undefined && !isPattern(pattern)) {
    return `its inputSchema has an invalid pattern: ${shown(pattern)}`;
  }
  for (const inner of innerSchemas(schema)) {
    const problem = problemOf(inner, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Every schema inside another, wherever one may occur. */
function innerSchemas(schema: Schema): unknown[] {
  const maps = ["properties", "patternProperties", "$defs", "definitions"].flatMap((name) =>
    isRecord(schema[name]) ? Object.values(schema[name]) : []
  );
  const lists = ["oneOf", "anyOf", "allOf", "prefixItems"].flatMap((name) =>
    Array.isArray(schema[name]) ? schema[name] : []
  );
  const single = ["items", "additionalProperties", "not"].flatMap((name) => schema[name] ?? []);
  return [...maps, ...lists, ...single];
}

/** Arrays that do not say what they contain may contain anything. */
function repair(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(repair);
  if (!isRecord(value)) return value;
  const inner = Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, repair(part)]),
  );
  const isArray = [value["type"] ?? []].flat().includes("array");
  return isArray && value["items"] === undefined && value["prefixItems"] === undefined
    ? { ...inner, items: {} }
    : inner;
}

function isPattern(pattern: unknown): boolean {
  if (typeof pattern !== "string") return false;
  try {
    new RegExp(pattern, "u");
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
