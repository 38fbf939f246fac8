import { z } from "zod";
import { endOfJson } from "./records.ts";

/**
 * A step as a query scripts it. `[[plan: step; step; …]]` anywhere in the user's text, where a step is
 *
 *     find [words]                 gmail_find_email, with these words or some from the query
 *     reply [body]                 gmail_reply_to_email to the first email found
 *     call [label.]tool [json]     any tool with these arguments, {} by default
 *     reason [words]               a reasoning item
 *     text N deltas | text words   a message; the last step's message is the answer
 *     sleep 500ms | sleep 2s       nothing happens, no event is sent
 *     search words                 the native web_search tool
 *
 * and may end in ` xN`: it is done N times, with each `#` in it replaced by 1 to N.
 * With no text as last step, an answer that sums up is given at the end.
 */
export type PlanStep =
  | { kind: "find"; words: string | undefined }
  | { kind: "reply"; body: string | undefined }
  | { kind: "call"; server: string | undefined; tool: string; arguments: Record<string, unknown> }
  | { kind: "reason"; words: string | undefined }
  | { kind: "text"; words: string; deltas: number | undefined }
  | { kind: "sleep"; ms: number }
  | { kind: "search"; words: string };

const ArgumentsSchema = z.record(z.string(), z.unknown());
const maxRepeats = 10_000;

/** A plan that cannot be read; its message says which step and why. */
export class PlanError extends Error {}

/**
 * The plan in a query, or undefined when it has none.
 *
 * @throws PlanError
 */
export function scriptedPlan(query: string): PlanStep[] | undefined {
  const start = query.indexOf("[[plan:");
  if (start < 0) return undefined;
  const end = endOfJson(query, start);
  if (end === undefined) throw new PlanError("Cannot read the plan: it must end in ]]");
  const text = query.slice(start + "[[plan:".length, end - 2);
  return splitSteps(text).flatMap(repeated).map(parseStep);
}

/** The query without its plan. */
export function withoutPlan(query: string): string {
  const start = query.indexOf("[[plan:");
  const end = start < 0 ? undefined : endOfJson(query, start);
  return end === undefined ? query : (query.slice(0, start) + query.slice(end)).trim();
}

/** Splits at semicolons that are not inside JSON. */
function splitSteps(text: string): string[] {
  const steps: string[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === "{") at = (endOfJson(text, at) ?? at + 1) - 1;
    if (at < text.length && text[at] !== ";") continue;
    steps.push(text.slice(from, at).trim());
    from = at + 1;
  }
  return steps.filter((step) => step !== "");
}

function repeated(step: string): string[] {
  const [, once, count] = /^(.*\S)\s+x(\d+)$/s.exec(step) ?? [];
  if (once === undefined) return [step];
  const times = Math.min(Number(count), maxRepeats);
  return Array.from({ length: times }, (_, index) => once.replaceAll("#", String(index + 1)));
}

function parseStep(step: string): PlanStep {
  const [, verb, rawRest] = /^(\w+)\s*(.*)$/s.exec(step) ?? [];
  const rest = rawRest === undefined || rawRest === "" ? undefined : rawRest;
  switch (verb) {
    case "find":
      return { kind: "find", words: rest };
    case "reply":
      return { kind: "reply", body: rest };
    case "reason":
      return { kind: "reason", words: rest };
    case "call":
      return parseCall(rest ?? "");
    case "search":
      return { kind: "search", words: rest ?? "" };
    case "text": {
      const [, count] = /^(\d+) deltas?$/.exec(rest ?? "") ?? [];
      const deltas = count === undefined ? undefined : Number(count);
      return { kind: "text", words: deltas === undefined ? rest ?? "" : "", deltas };
    }
    case "sleep": {
      const [, amount, unit] = /^(\d+)\s*(ms|s)$/.exec(rest ?? "") ?? [];
      if (amount === undefined) throw new PlanError(`Cannot sleep: 500ms or 2s, got '${rest}'`);
      return { kind: "sleep", ms: Number(amount) * (unit === "s" ? 1000 : 1) };
    }
    default:
      throw new PlanError(`Cannot read the plan's step '${step}': see model/directive.ts`);
  }
}

function parseCall(rest: string): PlanStep {
  const [, server, tool, json] = /^(?:([\w-]+)\.)?([\w-]+)\s*(\{.*\})?$/s.exec(rest) ?? [];
  if (tool === undefined) {
    throw new PlanError(`Cannot call '${rest}': [label.]tool, then arguments as a JSON object`);
  }
  return { kind: "call", server, tool, arguments: parseCallArguments(json ?? "{}") };
}

function parseCallArguments(json: string): Record<string, unknown> {
  try {
    return ArgumentsSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new PlanError(`Cannot read the arguments '${json}': a JSON object`, { cause });
  }
}
