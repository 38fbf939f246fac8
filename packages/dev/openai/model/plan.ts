import { z } from "zod";

/**
 * One step of what the model does. As text, steps are separated by semicolons (a semicolon in double quotes is none):
 *
 *     call [label.]tool [json]     a tool with these arguments; without any, with some that fit its schema
 *                                  (of a custom tool {"input": …}; of apply_patch the operation; of shell and local_shell the
 *                                  action; of computer {"action" | "actions", "pending_safety_checks"?})
 *     reason [words]               a reasoning item
 *     text words | text N deltas   a message; as the last step it is the answer
 *     search words                 the native web_search tool
 *     sleep 500ms | sleep 2s       nothing happens, no event is sent
 *
 * A step may end in ` xN`: it is done N times, with each `#` in it replaced by 1 to N. When the last step is no text, the answer
 * tells what the calls came to.
 */
export type PlanStep =
  | {
    kind: "call";
    server: string | undefined;
    tool: string;
    arguments: Record<string, unknown> | undefined;
  }
  | { kind: "reason"; words: string }
  | { kind: "text"; words: string; deltas: number | undefined }
  | { kind: "search"; words: string }
  | { kind: "sleep"; ms: number };

/** A plan that cannot be read; its message says which step and why. */
export class PlanError extends Error {}

const ArgumentsSchema = z.record(z.string(), z.unknown());
const inQuery = /\[\[plan:(.*)\]\]/s;
const oneStep = /(?:"(?:\\.|[^"\\])*"|[^;])+/gs;
const maxRepeats = 10_000;

/** @throws PlanError */
export function readPlan(text: string): PlanStep[] {
  const steps = (text.match(oneStep) ?? []).map((step) => step.trim());
  return steps.filter((step) => step !== "").flatMap(repeated).map(readStep);
}

/** The text of the plan that a query brings with it: `[[plan: …]]`. */
export function planInQuery(query: string): string | undefined {
  const plan = inQuery.exec(query)?.[1];
  if (plan === undefined && query.includes("[[plan:")) {
    throw new PlanError("Cannot read the plan in the query: it must end in ]]");
  }
  return plan;
}

/** The query without its plan. */
export function withoutPlan(query: string): string {
  return query.replace(inQuery, "").trim();
}

function repeated(step: string): string[] {
  const [, once, count] = /^(.*\S)\s+x(\d+)$/s.exec(step) ?? [];
  if (once === undefined) return [step];
  const times = Math.min(Number(count), maxRepeats);
  return Array.from({ length: times }, (_, index) => once.replaceAll("#", String(index + 1)));
}

function readStep(step: string): PlanStep {
  const [, verb, rest = ""] = /^(\w+)\s*(.*)$/s.exec(step) ?? [];
  switch (verb) {
    case "call":
      return readCall(rest);
    case "reason":
      return { kind: "reason", words: rest || "Thinking about what to do next" };
    case "text": {
      const [, count] = /^(\d+) deltas?$/.exec(rest) ?? [];
      return { kind: "text", words: rest, deltas: count === undefined ? undefined : Number(count) };
    }
    case "search":
      return { kind: "search", words: rest };
    case "sleep": {
      const [, amount, unit] = /^(\d+)\s*(ms|s)$/.exec(rest) ?? [];
      if (amount === undefined) {
        throw new PlanError(`Cannot sleep '${rest}': it must be like 500ms or 2s`);
      }
      return { kind: "sleep", ms: Number(amount) * (unit === "s" ? 1000 : 1) };
    }
    default:
      throw new PlanError(
        `Cannot read the step '${step}': it must begin with call, reason, text, search or sleep`,
      );
  }
}

function readCall(rest: string): PlanStep {
  const [, server, tool, json] = /^(?:([\w-]+)\.)?([\w-]+)\s*(\{.*\})?$/s.exec(rest) ?? [];
  if (tool === undefined) {
    throw new PlanError(`Cannot call '${rest}': it must be [label.]tool, then a JSON object`);
  }
  return { kind: "call", server, tool, arguments: json === undefined ? json : readJson(json) };
}

function readJson(json: string): Record<string, unknown> {
  try {
    return ArgumentsSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new PlanError(`Cannot read the arguments '${json}': they must be a JSON object`, {
      cause,
    });
  }
}
