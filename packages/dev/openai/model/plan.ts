import { z } from "zod";
import type { ListedTool } from "../request/items.ts";
import { type PlanStep, scriptedPlan, withoutPlan } from "./directive.ts";
import { findTool, replyTool } from "./mail.ts";
import { plainName } from "./plain-name.ts";
import { isAboutMail, wantsReply } from "./words.ts";

/** A tool that the model may use, and where it is. */
export interface AvailableTool extends Pick<ListedTool, "name" | "input_schema"> {
  server: string;
}

/**
 * What the model means to do for a query: its script, if it has one; the mail plan, for a query about
 * mail; else a call of each tool that the query names; else nothing but an answer.
 *
 * @throws PlanError when the script cannot be read
 */
export function planFor(
  query: string,
  tools: readonly AvailableTool[],
  canSearch: boolean,
): PlanStep[] {
  const scripted = scriptedPlan(query);
  if (scripted !== undefined) return scripted;
  const names = new Set(tools.map((tool) => plainName(tool.name)));
  if (names.has(findTool) && isAboutMail(query)) return mailPlan(query, names);
  const named = tools
    .map((tool) => ({
      tool,
      at: query.search(new RegExp(`\\b${escape(plainName(tool.name))}\\b`, "i")),
    }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  if (named.length > 0) {
    return named.map(({ tool }) => ({
      kind: "call",
      server: tool.server,
      tool: tool.name,
      arguments: argumentsFor(tool.input_schema, withoutPlan(query)),
    }));
  }
  return canSearch ? [{ kind: "search", words: query }] : [];
}

function mailPlan(query: string, names: ReadonlySet<string>): PlanStep[] {
  const plan: PlanStep[] = [
    { kind: "reason", words: undefined },
    { kind: "find", words: undefined },
  ];
  if (names.has(replyTool) && wantsReply(query)) plan.push({ kind: "reply", body: undefined });
  return plan;
}

const ToolSchemaSchema = z.object({
  properties: z.record(z.string(), z.object({ type: z.unknown().optional() })).default({}),
  required: z.array(z.string()).default([]),
});

/** Arguments that fit a tool's schema: numbers of the query for numbers, the query itself for text. */
function argumentsFor(schema: unknown, query: string): Record<string, unknown> {
  const numbers = (query.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number);
  const known = ToolSchemaSchema.safeParse(schema).data ?? { properties: {}, required: [] };
  return Object.fromEntries(known.required.map((name) => {
    const type = known.properties[name]?.type;
    if (type === "number" || type === "integer") return [name, numbers.shift() ?? 1];
    if (type === "boolean") return [name, true];
    return [name, query];
  }));
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
