import { canonicalOfValue } from "../../model/canonical.ts";
import { isRecord } from "../../model/is-record.ts";
import * as z from "../../model/zod.ts";

const textSchema = z.looseObject({
  format: z.nullish(z.looseObject({ type: z.string(), schema: z.optional(z.unknown()) })),
  verbosity: z.nullish(z.string()),
});

/**
 * Whether two values of `text` ask for the same. Structured outputs are the same if their schemas are: name, title and
 * descriptions are for the model, and each side has its own.
 */
export function sameText(value: unknown, other: unknown): boolean {
  const [mine, theirs] = [textSchema.safeParse(value), textSchema.safeParse(other ?? {})];
  return mine.success && theirs.success && formOf(mine.data) === formOf(theirs.data);
}

/** With OpenAI's defaults for missing fields. */
function formOf({ format, verbosity, ...rest }: z.infer<typeof textSchema>): string {
  const { type, schema, name: _name, description: _description, strict: _strict, ...more } =
    format ?? { type: "text" };
  return canonicalOfValue([type, rulesOf(schema), more, verbosity ?? "medium", rest]);
}

/** Keywords of a JSON schema that forbid nothing. */
const annotations = new Set(["$schema", "title", "description"]);
/** The values under these keys are data, not schemas. */
const data = new Set(["const", "default", "enum", "examples", "required"]);

/** A JSON schema without its annotations. A property may have an annotation's name: then its value is a schema, not text. */
function rulesOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(rulesOf);
  if (!isRecord(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).filter(([word, value]) =>
      !(annotations.has(word) && typeof value === "string")
    ).map(([word, value]) => [word, data.has(word) ? value : rulesOf(value)]),
  );
}
