/** From a tool's zod schema to the JSON Schema that is sent to OpenAI. */
import { isRecord } from "../model/is-record.ts";
import * as z from "../model/zod.ts";
import { RequestError } from "../platform/errors.ts";
import type { OwnTool } from "./own-tools.ts";
import { isZod4, toZod4 } from "./zod-version.ts";

/** A function as declared to OpenAI. */
export interface FunctionDefinition extends Record<string, unknown> {
  type: "function";
  name: string;
  description: string;
  parameters: Record<string, unknown>;
  strict: boolean;
}

/** Keywords that OpenAI's strict mode does not support. */
const unstrict = [
  "allOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "default",
  "dependentRequired",
  "dependentSchemas",
  "patternProperties",
  "prefixItems",
  "propertyNames",
  "uniqueItems",
  "contains",
];

const made = new WeakMap<OwnTool, FunctionDefinition>();

/**
 * The definition of a tool, made once per isolate. It is strict if OpenAI's strict mode can express the whole schema: then
 * the model cannot send input that does not fit. Otherwise the input is checked only here.
 * @throws RequestError `invalid_profile` for a schema that OpenAI refuses, with the path of each field
 */
export function definitionOf(tool: OwnTool): FunctionDefinition {
  const known = made.get(tool);
  if (known !== undefined) return known;
  const { name, description } = tool;
  const schema = jsonSchemaOf(tool);
  const strict = strictly(schema);
  const definition: FunctionDefinition = {
    type: "function",
    name,
    description,
    parameters: strict ?? schema,
    strict: strict !== undefined,
  };
  made.set(tool, definition);
  return definition;
}

function jsonSchemaOf(tool: OwnTool): Record<string, unknown> {
  const { name, inputSchema } = tool;
  if (!isZod4(inputSchema)) {
    throw new RequestError(
      "invalid_profile",
      `Cannot offer the tool '${name}': its inputSchema is not a zod 4 schema`,
      { hint: toZod4(inputSchema) },
    );
  }
  const flaws: string[] = [];
  const { $schema: _, "~standard": __, ...schema } = z.toJSONSchema(inputSchema, {
    io: "input",
    unrepresentable: ({ zodSchema, path }) => {
      const field = path.filter((part) => part !== "properties").join(".");
      const at = field === "" ? "" : `at '${field}': `;
      flaws.push(`${at}JSON has no type for '${zodSchema._zod.def.type}'`);
      return "any";
    },
  });
  if (flaws.length > 0) throw refusal(tool, flaws);
  if (schema.type !== "object") {
    throw refusal(tool, [`it must be an object, but it is '${schema.type ?? "a union"}'`]);
  }
  return schema;
}

function refusal({ name }: OwnTool, flaws: string[]): RequestError {
  return new RequestError(
    "invalid_profile",
    `Cannot offer the tool '${name}': OpenAI does not accept its inputSchema: ${flaws.join("; ")}`,
    { hint: "Use types that JSON has: z.iso.datetime() for a date, z.string() for a large number" },
  );
}

/** The same schema in strict mode: every object closed, every field required. Undefined if strict mode cannot express it. */
function strictly(schema: unknown): Record<string, unknown> | undefined {
  const strict = strictPart(schema);
  return isRecord(strict) ? strict : undefined;
}

/** @returns undefined if strict mode cannot express it */
function strictPart(part: unknown): unknown {
  if (Array.isArray(part)) return allOf(part.map(strictPart));
  if (!isRecord(part)) return part;
  if (unstrict.some((keyword) => keyword in part)) return undefined;
  const { properties, required, additionalProperties, ...rest } = part;
  const others = mapped(rest);
  if (others === undefined || part["type"] !== "object") return others;
  const names = isRecord(properties) ? Object.keys(properties) : [];
  const all = Array.isArray(required) ? required : [];
  if (additionalProperties !== undefined && additionalProperties !== false) return undefined;
  if (!names.every((name) => all.includes(name))) return undefined;
  const fields = mapped(isRecord(properties) ? properties : {});
  return fields && { ...others, properties: fields, required: names, additionalProperties: false };
}

function mapped(record: Record<string, unknown>): Record<string, unknown> | undefined {
  const values = allOf(Object.values(record).map(strictPart));
  return values && Object.fromEntries(Object.keys(record).map((key, at) => [key, values[at]]));
}

function allOf(values: unknown[]): unknown[] | undefined {
  return values.includes(undefined) ? undefined : values;
}
