/** What OpenAI's structured outputs refuse in a JSON Schema that zod has written: every flaw of the known kinds, with its field. */
import { isRecord } from "../../model/is-record.ts";
import { pathOf } from "./finding.ts";

export interface Flaw {
  /** The field, such as `output.lines[].price`. */
  path: string;
  why: string;
}

export const reasons = {
  optional:
    "it is optional, but OpenAI requires every field. Use .nullable() instead of .optional(), or z.nullable() instead of z.optional()",
  anyKey: "it allows any key (z.record, z.looseObject), but OpenAI requires named keys",
  tuple: "it is a tuple, but OpenAI accepts only arrays of one type",
  root: "the whole answer must be z.object({ … })",
  untyped: "it has no type, but OpenAI requires one",
} as const;

/** The string formats that OpenAI accepts. */
const formats = new Set([
  ..."date-time time date duration email hostname ipv4 ipv6 uuid".split(" "),
]);

type Keys = readonly (string | number)[];

export function schemaFlaws(json: unknown): Flaw[] {
  if (!isRecord(json)) return [];
  const { type, anyOf, $ref } = json;
  const isObject = $ref !== undefined || type === "object" && anyOf === undefined;
  return [
    ...(isObject ? [] : [{ path: fieldPath([]), why: reasons.root }]),
    ...walk(json, [], json),
  ];
}

function walk(schema: unknown, path: Keys, root: Record<string, unknown>): Flaw[] {
  if (!isRecord(schema)) return [];
  const { properties, items, $defs } = schema;
  const inner = (keyword: string, children: unknown) =>
    (isRecord(children) ? Object.entries(children) : [])
      .flatMap(([name, child]) => walk(child, [...path, keyword, name], root));
  return [
    ...flawsAt(schema).map((why) => ({ path: fieldPath(path), why })),
    ...optionalFields(schema, root).map((name) => ({
      path: fieldPath([...path, "properties", name]),
      why: reasons.optional,
    })),
    ...inner("properties", properties),
    ...walk(items, [...path, "items"], root),
    ...alternativesIn(schema).flatMap((each, index) => walk(each, [...path, "anyOf", index], root)),
    ...inner("$defs", $defs),
  ];
}

/** What is wrong with a schema itself, apart from its fields. */
function flawsAt(schema: Record<string, unknown>): string[] {
  const { type, format, additionalProperties, prefixItems } = schema;
  const says = ["type", "$ref", "enum", "anyOf", "oneOf", "allOf", "const"];
  return [
    ...(says.some((keyword) => keyword in schema) ? [] : [reasons.untyped]),
    ...(additionalProperties === undefined || additionalProperties === false
      ? []
      : [reasons.anyKey]),
    ...(prefixItems === undefined ? [] : [reasons.tuple]),
    ...(typeof format === "string" && [type].flat().includes("string") && !formats.has(format)
      ? [`OpenAI does not support the format '${format}'. Use z.string() and validate it yourself`]
      : []),
  ];
}

/** Fields that may be missing. One that may also be null passes: the request then asks for null. */
function optionalFields(
  { properties, required }: Record<string, unknown>,
  root: Record<string, unknown>,
): string[] {
  const all: unknown[] = Array.isArray(required) ? required : [];
  return (isRecord(properties) ? Object.entries(properties) : [])
    .filter(([name, field]) => !all.includes(name) && !mayBeNull(field, root))
    .map(([name]) => name);
}

function mayBeNull(schema: unknown, root: Record<string, unknown>): boolean {
  if (!isRecord(schema)) return false;
  const { type, $ref, $defs = root["$defs"] } = schema;
  if (typeof $ref === "string") {
    const name = $ref.replace(/^#\/\$defs\//, "");
    return isRecord($defs) && $ref !== "#" && mayBeNull($defs[name], root);
  }
  if ("const" in schema) return schema["const"] === null;
  const types: unknown[] = [type].flat();
  return types.includes("null") || type === undefined && alternativesIn(schema).length === 0 ||
    alternativesIn(schema).some((each) => mayBeNull(each, root));
}

function alternativesIn({ anyOf, oneOf }: Record<string, unknown>): unknown[] {
  return [anyOf, oneOf].flatMap((each: unknown) => Array.isArray(each) ? each : []);
}

/** Turns `["properties", "lines", "items", "properties", "price"]` into `output.lines[].price`. */
export function fieldPath(keys: Keys): string {
  const names = ["output"];
  for (let at = 0; at < keys.length; at++) {
    if (keys[at] === "properties") names.push(`.${keys[++at]}`);
    else if (keys[at] === "items") names.push("[]");
    else if (keys[at] === "anyOf" || keys[at] === "oneOf") at++;
    else if (keys[at] === "$defs" || keys[at] === "definitions") names.push(`.${keys[++at]}`);
    else names.push(pathOf(["", keys[at] ?? ""]));
  }
  return names.join("");
}
