/** What tools do to the world, as far as the profile and their servers say. */
import { type Item, toolListSchema } from "../model/items.ts";
import { kindOfCalls } from "../model/left-calls.ts";
import { allowedNames, type RequestBody, type RequestTool } from "../model/request.ts";
import type { Effect } from "../model/status.ts";
import type { SideEffects } from "../model/step.ts";

/**
 * Decides a tool's effect: by the profile's rule, otherwise by what its server says about it, otherwise `once`, because a
 * call that is wrongly thought harmless is made twice.
 */
export class EffectRules {
  readonly #hints = new Map<string, Effect>();
  readonly #known = new Map<string, Set<string>>();
  /** Functions and other tools that belong to no server. */
  readonly #functions = new Set<string>();

  constructor(private readonly rules: SideEffects) {}

  /** Learns a server's annotations from an `mcp_list_tools` item. */
  learn(item: Item): void {
    const list = toolListSchema.safeParse(item);
    if (!list.success) return;
    const { server_label, tools } = list.data;
    this.#known.set(server_label, new Set(tools.map((tool) => tool.name)));
    for (const { name, annotations } of tools) {
      if (annotations?.readOnlyHint) this.#hints.set(`${server_label}.${name}`, "none");
      else if (annotations?.idempotentHint) {
        this.#hints.set(`${server_label}.${name}`, "idempotent");
      }
    }
  }

  /** Learns about a tool that we or the caller run. What it declares counts if there is no rule. */
  declare(server: string | null, tool: string, effect: Effect | undefined): void {
    if (server === null) this.#functions.add(tool);
    if (effect !== undefined) this.#hints.set(`${server ?? ""}.${tool}`, effect);
  }

  effectOf(server: string, tool: string): Effect {
    const name = `${server}.${tool}`;
    return own(this.rules, name) ?? own(this.rules, tool) ?? this.#hints.get(name) ?? "once";
  }

  /** The tools of a server as far as they are known: named by a rule, or listed. */
  toolsOf(server: string): string[] {
    const prefix = `${server}.`;
    const named = Object.keys(this.rules).flatMap((rule) =>
      rule.startsWith(prefix) ? [rule.slice(prefix.length)] : rule.includes(".") ? [] : [rule]
    );
    return [...new Set([...named, ...this.#known.get(server) ?? []])];
  }

  hasListed(server: string): boolean {
    return this.#known.has(server);
  }

  /** Whether the profile itself says what a tool does. */
  isRule(server: string, tool: string): boolean {
    return (own(this.rules, `${server}.${tool}`) ?? own(this.rules, tool)) !== undefined;
  }

  /** Whether the server says that a tool only reads. */
  isReadOnly(server: string, tool: string): boolean {
    return this.#hints.get(`${server}.${tool}`) === "none";
  }

  /**
   * Rules for tools that no server has listed: probably a typing error. Empty before any list is seen. A tool that this request
   * does not allow is in no list, and its rule may be right.
   */
  unknownRules(tools: readonly RequestTool[] = []): string[] {
    if (this.#known.size === 0) return [];
    return Object.keys(this.rules).filter((rule) =>
      !this.#functions.has(rule) && !tools.some((tool) => leavesOut(tool, rule)) &&
      ![...this.#known].some(([server, listed]) =>
        listed.has(rule) ||
        (rule.startsWith(`${server}.`) && listed.has(rule.slice(server.length + 1)))
      )
    );
  }
}

/** The profile's rules, together with what earlier runs have learned from the servers. */
export function effectsOf(
  steps: readonly { item: Item | null }[],
  rules: SideEffects,
): EffectRules {
  const effects = new EffectRules(rules);
  for (const { item } of steps) if (item) effects.learn(item);
  return effects;
}

/**
 * Whether a request's tools may do something that must not be done twice, as far as is known before any server has been
 * asked. An MCP tool may, unless a rule or a read-only filter says otherwise.
 */
export function hasOnceTools(body: RequestBody, rules: SideEffects): boolean {
  return (body.tools ?? []).some((tool) =>
    tool.type === "mcp" && hasOnceTool(tool, rules) || isUnguarded(tool, rules)
  );
}

/**
 * Whether one of the tools may do something that must not be done twice, and cannot be told to ask first: OpenAI's own
 * shell, which may reach anything that its container can reach.
 */
export function hasUnguardedTools(body: RequestBody, rules: SideEffects): boolean {
  return (body.tools ?? []).some((tool) => isUnguarded(tool, rules));
}

function isUnguarded(tool: RequestTool, rules: SideEffects): boolean {
  const { type } = tool;
  return type === "shell" && kindOfCalls(tool) === undefined &&
    (own(rules, type) ?? "once") === "once";
}

function hasOnceTool(server: RequestTool, rules: SideEffects): boolean {
  const allowed = server.allowed_tools;
  if (allowed && !Array.isArray(allowed) && allowed.read_only) return false;
  const names = allowedNames(server);
  return names === undefined || names.length === 0 ||
    names.some((name) =>
      (own(rules, `${server.server_label}.${name}`) ?? own(rules, name) ?? "once") === "once"
    );
}

/** Whether the rule is for a tool of this server that the request does not allow. */
function leavesOut(server: RequestTool, rule: string): boolean {
  const names = allowedNames(server);
  const prefix = `${server.server_label}.`;
  return names !== undefined && rule.startsWith(prefix) &&
    !names.includes(rule.slice(prefix.length));
}

function own(rules: SideEffects, name: string): Effect | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}
