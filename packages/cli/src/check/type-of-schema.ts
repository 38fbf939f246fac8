/** The TypeScript type of a JSON Schema that zod has written. */
import { z } from "zod";

const inner = z.looseObject({});
const schemaShape = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
  additionalProperties: z.union([z.boolean(), inner]).optional(),
  items: z.unknown().optional(),
  prefixItems: z.array(z.unknown()).optional(),
  description: z.string().optional(),
});
type Schema = z.infer<typeof schemaShape>;

/** @param nameOf the type that stands for a `$ref` */
export function typeOfSchema(value: unknown, nameOf: (ref: string) => string, indent = ""): string {
  const parsed = schemaShape.safeParse(value);
  if (!parsed.success) return "unknown";
  const schema = parsed.data;
  const of = (each: unknown) => typeOfSchema(each, nameOf, indent);
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if ("const" in schema) return literal(schema.const);
  if (schema.enum) return unionOf(schema.enum.map(literal));
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return unionOf(either.map(of));
  if (schema.allOf) return schema.allOf.map((each) => `(${of(each)})`).join(" & ");
  if (Array.isArray(schema.type)) {
    return unionOf(schema.type.map((type) => of({ ...schema, type })));
  }
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "number":
    case "integer":
      return "number";
    case "array":
      return schema.prefixItems
        ? `[${schema.prefixItems.map(of).join(", ")}]`
        : `(${schema.items === undefined ? "unknown" : of(schema.items)})[]`.replace(
          /^\((\w+)\)\[\]$/,
          "$1[]",
        );
    case "object":
      return objectType(schema, nameOf, indent);
    default:
      return "unknown";
  }
}

function objectType(schema: Schema, nameOf: (ref: string) => string, indent: string): string {
  const deeper = `${indent}  `;
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const about = schemaShape.safeParse(value).data?.description;
    const optional = schema.required.includes(name) ? "" : "?";
    const type = typeOfSchema(value, nameOf, deeper);
    return [
      ...(about === undefined ? [] : [`${deeper}/** ${about.replaceAll("*/", "* /")} */`]),
      `${deeper}${keyOf(name)}${optional}: ${type};`,
    ];
  });
  const others = schema.additionalProperties;
  if (members.length === 0) {
    if (typeof others !== "object") return "Record<string, unknown>";
    return `Record<string, ${typeOfSchema(others, nameOf, indent)}>`;
  }
  return `{\n${members.join("\n")}\n${indent}}`;
}

export function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function literal(value: unknown): string {
  return value === undefined ? "undefined" : JSON.stringify(value);
}

function unionOf(types: string[]): string {
  const all = [...new Set(types)];
  return all.length === 0 ? "never" : all.join(" | ");
}
