import { z } from "zod";
import type { DoneCall } from "./done-call.ts";

/**
 * One finished call as a developer message tells it. `name` may stand for `tool`, `server` for
 * `server_label`; `arguments` may be an object or JSON text; anything else is ignored.
 */
const RecordSchema = z.object({
  tool: z.string().optional(),
  name: z.string().optional(),
  server_label: z.string().nullish(),
  server: z.string().nullish(),
  arguments: z.unknown().optional(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  status: z.string().optional(),
});

const unfinished = new Set(["in_progress", "calling", "incomplete", "unknown", "uncertain"]);

/**
 * The finished tool calls that a developer message states, in order. They may be JSON lines, an
 * array, a fenced block, or nested in an object; prose around them does not matter. An object is a
 * record when it has `tool` (or `name`) and `arguments`; one whose status says that the call did not
 * end is left out.
 */
export function toolRecords(text: string): DoneCall[] {
  return jsonValues(text).flatMap(recordsIn);
}

function recordsIn(value: unknown): DoneCall[] {
  if (Array.isArray(value)) return value.flatMap(recordsIn);
  if (typeof value !== "object" || value === null) return [];
  const record = "arguments" in value ? RecordSchema.safeParse(value).data : undefined;
  const tool = record?.tool ?? record?.name;
  if (record === undefined || tool === undefined) return Object.values(value).flatMap(recordsIn);
  if (unfinished.has(record.status ?? "")) return [];
  const args = typeof record.arguments === "string"
    ? parseJson(record.arguments) ?? record.arguments
    : record.arguments;
  return [{
    server: record.server_label ?? record.server ?? undefined,
    tool,
    arguments: args ?? {},
    ...(isGiven(record.output) ? { output: asText(record.output) } : {}),
    ...(isGiven(record.error) ? { error: asText(record.error) } : {}),
  }];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Every top-level JSON object or array that stands in the text. */
function jsonValues(text: string): unknown[] {
  const values: unknown[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "{" && text[at] !== "[") continue;
    const end = endOfJson(text, at);
    const value = end === undefined ? undefined : parseJson(text.slice(at, end));
    if (value === undefined || end === undefined) continue;
    values.push(value);
    at = end - 1;
  }
  return values;
}

/** Where the object or array that begins at `start` ends, by its brackets outside of strings. */
export function endOfJson(text: string, start: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Prose in brackets is no record: the text is read for JSON, not known to be it.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
