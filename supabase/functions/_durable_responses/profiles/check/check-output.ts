/** The schema of a profile's answer: whether OpenAI takes it, told with the field's path. */
import * as z from "../../model/zod.ts";
import { type Found, pathOf } from "./finding.ts";

const guide = "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas";

/** What OpenAI takes as a string's `format`. */
const formats = new Set([
  ..."date-time time date duration email hostname ipv4 ipv6 uuid".split(" "),
]);

/** What zod has that JSON has not, as JSON Schema would have to say it. */
export interface OutputSchema {
  found: Found[];
  /** The JSON Schema of what a completed job has in `output_parsed`; undefined when there is none. */
  json?: unknown;
}

export async function checkOutput(output: unknown): Promise<OutputSchema> {
  if (!isZod4(output)) {
    return {
      found: [{
        path: "output",
        severity: "wrong",
        message: "'output' is no schema of zod 4",
        hint: 'Make it with `import { z } from "zod"` (version 4), as in z.object({ … })',
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

/** The helper that makes the request refuses what OpenAI would, and names the field by JSON pointer. */
async function askHelper(output: z.$ZodType): Promise<Found[]> {
  const { zodTextFormat } = await import("openai/helpers/zod");
  try {
    zodTextFormat(output, "output");
    return [];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const path = /`([^`]*)`/.exec(text)?.[1] ?? "";
    const isPath = path.startsWith("properties/");
    return [refused(isPath ? fieldPath(path.split("/")) : "output", told(text))];
  }
}

/** Its sentences in ours: what to do instead is said once, and its links are long. */
function told(text: string): string {
  if (text.includes(".optional()")) {
    return "it is optional, and OpenAI wants every field: use .nullable() instead of .optional()";
  }
  if (text.includes("additionalProperties")) {
    return "it takes any key (z.record, z.looseObject), and OpenAI wants every key named";
  }
  if (text.includes("tuple")) return "it is a tuple, and OpenAI takes lists of one kind only";
  if (text.startsWith("Root schema")) return "the whole answer must be z.object({ … })";
  return text.split(/ See: |\n/)[0]?.replace(/\.$/, "") ?? text;
}

/** What the helper lets through and OpenAI refuses. */
function walk(schema: unknown, path: (string | number)[]): Found[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { type, format, properties, items, anyOf, oneOf, $ref, $defs, enum: values } = asRecord(
    schema,
  );
  const alternatives = [anyOf, oneOf].flatMap((each) => Array.isArray(each) ? each : []);
  const isAnything = type === undefined && $ref === undefined && values === undefined &&
    alternatives.length === 0 && !("const" in schema) && !("allOf" in schema);
  return [
    ...(isAnything
      ? [refused(fieldPath(path), "it may be anything, and OpenAI wants a type")]
      : []),
    ...(typeof format === "string" && type === "string" && !formats.has(format)
      ? [
        refused(fieldPath(path), `OpenAI knows no format '${format}': use z.string() and check it`),
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

/** `["properties", "lines", "items", "properties", "price"]` as `output.lines[].price`. */
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
    hint: `What it takes: ${guide}`,
  };
}
