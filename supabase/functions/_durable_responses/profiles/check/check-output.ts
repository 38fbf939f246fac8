/** Checks whether OpenAI accepts the schema of a profile's answer, and names the field. */
import * as z from "../../model/zod.ts";
import { type Found, pathOf } from "./finding.ts";
import { messageOf } from "../../platform/log.ts";

const guide = "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas";

/** The string formats that OpenAI accepts. */
const formats = new Set([
  ..."date-time time date duration email hostname ipv4 ipv6 uuid".split(" "),
]);

/** A profile's output as JSON Schema, with what zod can express and JSON Schema cannot. */
export interface OutputSchema {
  found: Found[];
  /** The JSON Schema of `output_parsed` in a completed job; undefined if there is none. */
  json?: unknown;
}

export async function checkOutput(output: unknown): Promise<OutputSchema> {
  if (!isZod4(output)) {
    return {
      found: [{
        path: "output",
        severity: "wrong",
        message: "'output' is not a zod 4 schema",
        hint: 'Use version 4 of zod: `import { z } from "zod"`, then z.object({ … })',
      }],
    };
  }
  const found: Found[] = [];
  const json = z.toJSONSchema(output, {
    unrepresentable({ path, message }) {
      found.push(refused(fieldPath(path), `${message.replace(/\.$/, "")}`));
      return "any";
    },
  });
  if (found.length === 0) found.push(...await askHelper(output), ...walk(json, []));
  return { found, json };
}

function isZod4(value: unknown): value is z.$ZodType {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/** The helper that makes the request refuses what OpenAI would refuse, and names the field by JSON pointer. */
async function askHelper(output: z.$ZodType): Promise<Found[]> {
  const { zodTextFormat } = await import("openai/helpers/zod");
  try {
    zodTextFormat(output, "output");
    return [];
  } catch (error) {
    const text = messageOf(error);
    const path = /`([^`]*)`/.exec(text)?.[1] ?? "";
    const isPath = path.startsWith("properties/");
    return [refused(isPath ? fieldPath(path.split("/")) : "output", told(text))];
  }
}

/** The helper's message in our words: shorter, and without its links. */
function told(text: string): string {
  if (text.includes(".optional()")) {
    return "it is optional, but OpenAI requires every field. Use .nullable() instead of .optional(), or z.nullable() instead of z.optional()";
  }
  if (text.includes("additionalProperties")) {
    return "it allows any key (z.record, z.looseObject), but OpenAI requires named keys";
  }
  if (text.includes("tuple")) return "it is a tuple, but OpenAI accepts only arrays of one type";
  if (text.startsWith("Root schema")) return "the whole answer must be z.object({ … })";
  return text.split(/ See: |\n/)[0]?.replace(/\.$/, "") ?? text;
}

/** Finds what the helper accepts and OpenAI refuses. */
function walk(schema: unknown, path: (string | number)[]): Found[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { type, format, properties, items, anyOf, oneOf, $ref, $defs, enum: values } = asRecord(
    schema,
  );
  const alternatives = [anyOf, oneOf].flatMap((each) => Array.isArray(each) ? each : []);
  const isAnything = type === undefined && $ref === undefined && values === undefined &&
    alternatives.length === 0 && !("const" in schema) && !("allOf" in schema);
  return [
    ...(isAnything ? [refused(fieldPath(path), "it has no type, but OpenAI requires one")] : []),
    ...(typeof format === "string" && type === "string" && !formats.has(format)
      ? [
        refused(
          fieldPath(path),
          `OpenAI does not support the format '${format}'. Use z.string() and validate it yourself`,
        ),
      ]
      : []),
    ...Object.entries(asRecord(properties)).flatMap(([name, inner]) =>
      walk(inner, [...path, "properties", name])
    ),
    ...walk(items, [...path, "items"]),
    ...alternatives.flatMap((inner, index) => walk(inner, [...path, "anyOf", index])),
    ...Object.entries(asRecord($defs)).flatMap(([name, inner]) =>
      walk(inner, [...path, "$defs", name])
    ),
  ];
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Turns `["properties", "lines", "items", "properties", "price"]` into `output.lines[].price`. */
function fieldPath(keys: readonly (string | number)[]): string {
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

function refused(path: string, why: string): Found {
  return {
    path,
    severity: "wrong",
    message: `OpenAI refuses the schema at '${path}': ${why}`,
    hint: `Supported schemas: ${guide}`,
  };
}
