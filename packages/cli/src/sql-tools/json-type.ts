/** The values that a field's JSON Schema accepts, as far as they can be compared with a Postgres type. */
import { z } from "zod";

export type JsonType = "string" | "number" | "integer" | "boolean" | "array" | "object";

/** One kind of value that a field may have. */
export interface JsonValue {
  type: JsonType;
  /** For a string: all of its possible values. */
  values?: string[];
  /** For an array: the schema of its items. */
  items?: unknown;
}

const types = z.enum(["string", "number", "integer", "boolean", "array", "object"]);
const shape = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
});

/** Each kind of value, without null, which fits every argument. Empty if the schema does not say. */
export function valuesOf(schema: unknown): JsonValue[] {
  const parsed = shape.safeParse(schema);
  if (!parsed.success) return [];
  const { type, anyOf, oneOf, items } = parsed.data;
  const either = anyOf ?? oneOf;
  if (either !== undefined) return either.flatMap(valuesOf);
  const written = "const" in parsed.data ? [parsed.data.const] : parsed.data.enum;
  if (written !== undefined) return ofLiterals(written);
  return [type ?? []].flat().flatMap((name) => {
    const known = types.safeParse(name).data;
    return known === undefined ? [] : [{ type: known, ...(items !== undefined && { items }) }];
  });
}

function ofLiterals(literals: unknown[]): JsonValue[] {
  const strings = literals.filter((each) => typeof each === "string");
  const others = literals.flatMap((each): JsonType[] => {
    if (typeof each === "boolean") return ["boolean"];
    if (typeof each === "number") return [Number.isInteger(each) ? "integer" : "number"];
    return [];
  });
  return [
    ...(strings.length > 0 ? [{ type: "string" as const, values: strings }] : []),
    ...[...new Set(others)].map((type) => ({ type })),
  ];
}
