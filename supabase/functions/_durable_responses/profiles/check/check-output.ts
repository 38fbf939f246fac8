/** Checks whether OpenAI accepts the schema of a profile's answer, and names each field that it does not accept. */
import * as z from "../../model/zod.ts";
import { messageOf } from "../../platform/log.ts";
import { isZod4, toZod4 } from "../zod-version.ts";
import type { Found } from "./finding.ts";
import { fieldPath, type Flaw, reasons, schemaFlaws } from "./schema-flaws.ts";

const guide = "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas";

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
        hint: toZod4(output),
      }],
    };
  }
  const flaws: Flaw[] = [];
  const json = z.toJSONSchema(output, {
    unrepresentable({ path, message }) {
      const why = message.replace(/\.$/, "");
      const instead = /\bDate\b/.test(why) ? ". Use z.iso.datetime() or z.iso.date()" : "";
      flaws.push({ path: fieldPath(path), why: `${why}${instead}` });
      return "any";
    },
  });
  const add = (more: Flaw[]) => {
    for (const each of more) if (!flaws.some(({ path }) => path === each.path)) flaws.push(each);
  };
  // The helper cannot convert a type that JSON does not have, and says only that.
  const isConvertible = flaws.length === 0;
  add(schemaFlaws(json));
  if (isConvertible) add(await askHelper(output));
  return { found: flaws.map(refused), json };
}

/**
 * The helper that makes the request refuses what OpenAI would refuse. It names the first field only, by JSON pointer, but knows
 * kinds of flaws that `schemaFlaws` does not.
 */
async function askHelper(output: z.$ZodType): Promise<Flaw[]> {
  const { zodTextFormat } = await import("openai/helpers/zod");
  try {
    zodTextFormat(output, "output");
    return [];
  } catch (error) {
    const text = messageOf(error);
    const pointer = /`([^`]*)`/.exec(text)?.[1] ?? "";
    const isPointer = /^(?:properties|anyOf|items|definitions)\//.test(pointer);
    return [{ path: fieldPath(isPointer ? pointer.split("/") : []), why: told(text) }];
  }
}

/** The helper's message in our words: shorter, and without its links. */
function told(text: string): string {
  if (text.includes(".optional()")) return reasons.optional;
  if (text.includes("additionalProperties")) return reasons.anyKey;
  if (text.includes("tuple")) return reasons.tuple;
  if (text.startsWith("Root schema")) return reasons.root;
  return text.split(/ See: |\n/)[0]?.replace(/\.$/, "") ?? text;
}

function refused({ path, why }: Flaw): Found {
  return {
    path,
    severity: "wrong",
    message: `OpenAI refuses the schema at '${path}': ${why}`,
    hint: `Supported schemas: ${guide}`,
  };
}
