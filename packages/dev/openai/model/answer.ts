import { generateSync } from "json-schema-faker";
import type { TextFormat } from "../request/schema.ts";
import type { DoneCall } from "./done-call.ts";
import { withoutPlan } from "./plan.ts";

/** How much of a query, and of what a tool said, an answer quotes. */
const quoteLength = 400;

/** The answer where no plan says one: what the calls came to, or a value that fits the schema that was asked for. */
export function answerFor(
  query: string,
  calls: readonly DoneCall[],
  format: TextFormat | undefined,
): string {
  if (format?.type === "json_schema") return JSON.stringify(exampleOf(format.schema));
  const text = calls.length > 0 ? calls.map(sentenceFor).join(" ") : echoOf(query);
  return format?.type === "json_object" ? JSON.stringify({ answer: text }) : text;
}

/** A value that fits a JSON schema, the same each time. */
export function exampleOf(schema: Record<string, unknown>): unknown {
  return generateSync(schema, { seed: 1, optionalsProbability: 0 });
}

function echoOf(query: string): string {
  const asked = withoutPlan(query).replace(/\s+/g, " ").slice(0, quoteLength);
  return `You asked: "${asked}". The OpenAI stand-in says this where no plan says what to answer.`;
}

function sentenceFor({ tool, output, error, denied }: DoneCall): string {
  if (denied !== undefined) return `I did not call ${tool}: it was not approved (${denied}).`;
  if (error !== undefined) return `The call of ${tool} failed: ${error.slice(0, quoteLength)}.`;
  return `${tool} returned: ${(output ?? "nothing").slice(0, quoteLength)}.`;
}
