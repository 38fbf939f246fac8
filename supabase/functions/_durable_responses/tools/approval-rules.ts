/** OpenAI's `require_approval`: what it means, and how it is tightened for calls that must not be made twice. */
import {
  allowedNames,
  type RequestBody,
  type RequestTool,
  type toolFilter,
} from "../model/request.ts";
import type * as z from "../model/zod.ts";
import type { ApproveWhen } from "../profiles/profile.ts";
import { ruleOf } from "./conditions.ts";
import type { EffectRules } from "./effect-rules.ts";

type Filter = z.infer<typeof toolFilter>;

/** Whether the request itself wants a person's yes for a call. By OpenAI's own rule, it does unless it says otherwise. */
export function asksPerson(
  body: RequestBody,
  server: string,
  name: string,
  rules: EffectRules,
): boolean {
  const tool = serverOf(body, server);
  const rule = tool?.require_approval ?? "always";
  if (typeof rule === "string") return rule !== "never";
  const fits = (filter: Filter) =>
    (filter.tool_names?.includes(name) ?? true) &&
    (filter.read_only === undefined || filter.read_only === rules.isReadOnly(server, name));
  if (rule.always && fits(rule.always)) return true;
  return !rule.never || !fits(rule.never);
}

/**
 * The request, with its tools required to ask before each call that must not be made twice. OpenAI then stops before the
 * call, so that the ledger can record its start. The same applies to tools whose calls a function of the profile decides
 * about. Tools that are known to be harmless stay unchanged.
 */
export function askBeforeOnce(
  body: RequestBody,
  rules: EffectRules,
  when: ApproveWhen = {},
): RequestBody {
  if (!body.tools) return body;
  return {
    ...body,
    tools: body.tools.map((tool) => {
      if (tool.type !== "mcp" || !mayGoAhead(tool)) return tool;
      const approval = approvalFor(body, tool, rules, when);
      return approval === undefined ? tool : { ...tool, require_approval: approval };
    }),
  };
}

/** True if some calls need no yes: the others stop before the call anyway. */
function mayGoAhead({ require_approval: rule }: RequestTool): boolean {
  return rule === "never" || typeof rule === "object" && rule !== null && Boolean(rule.never);
}

/** @returns undefined if no call of this server must be made only once */
function approvalFor(
  body: RequestBody,
  tool: RequestTool,
  rules: EffectRules,
  when: ApproveWhen,
) {
  const server = tool.server_label ?? "";
  const decided = (name: string) => ruleOf(when, server, name) !== undefined;
  const conditional = conditionalTools(when, server);
  const allowed = tool.allowed_tools;
  if (conditional.length === 0 && allowed && !Array.isArray(allowed) && allowed.read_only) {
    return undefined;
  }
  const named = allowedNames(tool);
  // A caller may leave no tool at all. Some servers read an empty list as any tool.
  const only = named?.length === 0 ? undefined : named;
  const names = only ?? [...new Set([...rules.toolsOf(server), ...conditional])];
  const harmless = names.filter((name) =>
    rules.effectOf(server, name) !== "once" && !decided(name)
  );
  if (only !== undefined && harmless.length === only.length) return undefined;
  const { always, never } = filtersOf(tool);
  const listed = rules.hasListed(server);
  if (listed || always?.read_only === undefined && never.read_only === undefined) {
    const free = harmless.filter((name) => !asksPerson(body, server, name, rules));
    if (free.length > 0) return { never: { tool_names: free } };
  }
  if (listed || never.read_only === false) return "always";
  // Nothing is known about these tools yet, but OpenAI will know which of them only read.
  const once = names.filter((name) =>
    decided(name) || rules.isRule(server, name) && rules.effectOf(server, name) === "once"
  );
  const asked = always && conditional.length > 0 && always.tool_names
    ? { ...always, tool_names: [...new Set([...always.tool_names, ...conditional])] }
    : always ?? (once.length > 0 ? { tool_names: once } : undefined);
  return { ...(asked ? { always: asked } : {}), never: { ...never, read_only: true } };
}

/** The tools of a server whose calls a function of the profile decides about. */
function conditionalTools(when: ApproveWhen, server: string): string[] {
  return Object.keys(when).flatMap((rule) =>
    rule.startsWith(`${server}.`)
      ? [rule.slice(server.length + 1)]
      : rule.includes(".")
      ? []
      : [rule]
  );
}

function filtersOf({ require_approval: rule }: RequestTool): { always?: Filter; never: Filter } {
  return typeof rule === "object" && rule !== null
    ? { ...(rule.always ? { always: rule.always } : {}), never: rule.never ?? {} }
    : { never: {} };
}

function serverOf(body: RequestBody, label: string): RequestTool | undefined {
  return body.tools?.find((tool) => tool.type === "mcp" && tool.server_label === label);
}
