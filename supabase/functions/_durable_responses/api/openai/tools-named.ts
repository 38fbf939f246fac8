/** The `tools` of a request to a profile: they name the profile's tools, and may narrow them. */
import { canonicalOfValue } from "../../model/canonical.ts";
import { isRecord } from "../../model/is-record.ts";
import type { RequestTool } from "../../model/request.ts";
import * as z from "../../model/zod.ts";
import type { Narrowing } from "../../profiles/caller-settings.ts";
import { invalidParam, type Refusal } from "./refusal.ts";

const namedSchema = z.array(z.looseObject({ type: z.string() })).check(z.maxLength(128));

const serverSchema = z.looseObject({
  server_label: z.string(),
  allowed_tools: z.nullish(z.union([
    z.array(z.string()),
    z.strictObject({ tool_names: z.array(z.string()) }),
  ])),
  require_approval: z.nullish(z.unknown()),
});

/** Fields of a server that a library must give, or describes it with: the profile decides them. */
const saysNothing = new Set([
  "type",
  "server_label",
  "server_url",
  "server_description",
  "connector_id",
  "allowed_tools",
  "require_approval",
]);

/**
 * How the tools that a caller names narrow those of the profile, by server. The list removes no tool, and may leave out any.
 * @throws Refusal 400 for a tool that the profile does not have, and for settings that widen what the profile allows
 */
export function narrowingsOf(
  value: unknown,
  own: readonly RequestTool[],
): Record<string, Narrowing> {
  const named = namedSchema.safeParse(value);
  if (!named.success) throw refusal("it must be a list of tools");
  return Object.fromEntries(
    named.data.flatMap((tool, index) => {
      if (tool.type === "mcp") return [narrowingOf(tool, index, own)];
      refuseUnknown(tool, index, own);
      return [];
    }).filter(([, narrowing]) => Object.keys(narrowing).length > 0),
  );
}

function isUnsaid(setting: unknown): boolean {
  return setting === null || setting === undefined;
}

/** A function, or a custom tool, is identified by its name; another one by its type, without settings of the caller's own. */
function refuseUnknown(tool: RequestTool, index: number, own: readonly RequestTool[]): void {
  const { type, name, ...settings } = tool;
  const same = own.filter((known) => known.type === type);
  const known = type === "function" || type === "custom"
    ? same.some((known) => known["name"] === name)
    : same.some((known) =>
      Object.entries(settings).every(([field, setting]) =>
        isUnsaid(setting) || canonicalOfValue(setting) === canonicalOfValue(known[field])
      )
    );
  if (!known) throw refusal("the profile has no such tool", index);
}

function narrowingOf(
  tool: RequestTool,
  index: number,
  own: readonly RequestTool[],
): [string, Narrowing] {
  const server = serverSchema.safeParse(tool);
  if (!server.success) throw refusal("it does not name an MCP server", index);
  const { server_label, allowed_tools, require_approval } = server.data;
  const known = own.find((known) => known.type === "mcp" && known.server_label === server_label);
  if (!known) throw refusal(`the profile has no server '${server_label.slice(0, 64)}'`, index);
  const more = Object.entries(tool).find(([key, setting]) =>
    !saysNothing.has(key) && !isUnsaid(setting) &&
    !(isRecord(setting) && Object.keys(setting).length === 0)
  );
  if (more) {
    throw refusal(`'${more[0].slice(0, 64)}' of a server can only be set in the profile`, index);
  }
  return [server_label, {
    ...(allowed_tools && { allowed_tools: namesIn(allowed_tools, known, index) }),
    ...(asksForMore(require_approval, known, index) && { require_approval: "always" as const }),
  }];
}

function namesIn(
  wanted: string[] | { tool_names: string[] },
  { allowed_tools }: RequestTool,
  index: number,
): string[] {
  const names = Array.isArray(wanted) ? wanted : wanted.tool_names;
  const own = Array.isArray(allowed_tools) ? allowed_tools : allowed_tools?.tool_names;
  const unknown = own && names.find((name) => !own.includes(name));
  if (unknown === undefined) return names;
  throw refusal(`the profile does not allow the tool '${unknown.slice(0, 64)}'`, index);
}

/** "never" asks for nothing, but the profile may still ask. "always" is stricter than any profile. */
function asksForMore(wanted: unknown, { require_approval }: RequestTool, index: number): boolean {
  if (isUnsaid(wanted) || wanted === "never") return false;
  if (wanted === "always") return true;
  if (canonicalOfValue(wanted) === canonicalOfValue(require_approval)) return false;
  throw refusal("require_approval can be 'always', 'never', or what the profile says", index);
}

function refusal(why: string, index?: number): Refusal {
  const which = index === undefined ? "tools" : `tools.${index}`;
  return invalidParam(
    "tools",
    "unsupported_parameter",
    `Unsupported parameter: cannot accept '${which}': ${why}. A caller may name and narrow the profile's own tools. Add other tools to the profile`,
  );
}
