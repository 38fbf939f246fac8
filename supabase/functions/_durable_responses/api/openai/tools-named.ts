/** The `tools` of a request to a profile: they name the profile's tools, and may narrow them. */
import { canonicalOfValue } from "../../model/canonical.ts";
import { flawIn, placeOf, seen } from "../../model/flaw.ts";
import { isRecord } from "../../model/is-record.ts";
import { allowedNames, type RequestTool } from "../../model/request.ts";
import * as z from "../../model/zod.ts";
import type { Narrowing } from "../../profiles/caller-settings.ts";
import { functionsLabel } from "../../tools/own/call-steps.ts";
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
 * @param hasFunctions whether the profile has functions that we run
 * @throws Refusal 400 for a tool that the profile does not have, and for settings that widen what the profile allows
 */
export function narrowingsOf(
  value: unknown,
  own: readonly RequestTool[],
  hasFunctions: boolean,
): Record<string, Narrowing> {
  // A library that is asked for a yes to a call of ours looks for the server that our answers show it with.
  const servers = hasFunctions ? [...own, { type: "mcp", server_label: functionsLabel }] : own;
  const named = namedSchema.safeParse(value);
  if (!named.success) {
    const { place, why } = flawIn(named.error, value);
    throw refusal(`tools${place}`, why);
  }
  const narrowings = new Map<string, Narrowing>();
  for (const [index, tool] of named.data.entries()) {
    const at = `tools[${index}]`;
    if (tool.type !== "mcp") refuseUnknown(tool, at, own);
    else {
      const [label, narrowing] = narrowingOf(tool, at, servers);
      const before = narrowings.get(label);
      // Which of the two is meant for a tool that both allow, or neither? A guess could drop a person's yes.
      if (before && canonicalOfValue(before) !== canonicalOfValue(narrowing)) {
        throw refusal(
          `${at}.server_label`,
          `the server '${label}' is named twice, with other rules. Name it once`,
        );
      }
      narrowings.set(label, narrowing);
    }
  }
  return Object.fromEntries(
    [...narrowings].filter(([, narrowing]) => Object.keys(narrowing).length > 0),
  );
}

function isUnsaid(setting: unknown): boolean {
  return setting === null || setting === undefined;
}

/** A function, or a custom tool, is identified by its name; another one by its type, without settings of the caller's own. */
function refuseUnknown(tool: RequestTool, at: string, own: readonly RequestTool[]): void {
  const { type, name, ...settings } = tool;
  const same = own.filter((known) => known.type === type);
  const known = type === "function" || type === "custom"
    ? same.some((known) => known["name"] === name)
    : same.some((known) =>
      Object.entries(settings).every(([field, setting]) =>
        isUnsaid(setting) || canonicalOfValue(setting) === canonicalOfValue(known[field])
      )
    );
  if (known) return;
  if (type === "function" || type === "custom") {
    throw refusal(`${at}.name`, `the profile has no ${type} ${seen(name)}`);
  }
  throw refusal(
    at,
    same.length > 0
      ? `the profile's ${type} has other settings. Name it without settings`
      : `the profile has no ${seen(type)}`,
  );
}

function narrowingOf(
  tool: RequestTool,
  at: string,
  own: readonly RequestTool[],
): [string, Narrowing] {
  const server = serverSchema.safeParse(tool);
  if (!server.success) {
    const { place, why } = flawIn(server.error, tool);
    throw refusal(`${at}.${place}`, why);
  }
  const { server_label, allowed_tools, require_approval } = server.data;
  const known = own.find((known) => known.type === "mcp" && known.server_label === server_label);
  if (!known) {
    throw refusal(`${at}.server_label`, `the profile has no server ${seen(server_label)}`);
  }
  const more = Object.entries(tool).find(([key, setting]) =>
    !saysNothing.has(key) && !isUnsaid(setting) &&
    !(isRecord(setting) && Object.keys(setting).length === 0)
  );
  if (more) {
    throw refusal(placeOf([at, more[0]]), "this field of a server can only be set in the profile");
  }
  const narrowing = {
    ...(allowed_tools && { allowed_tools: namesIn(allowed_tools, known, `${at}.allowed_tools`) }),
    ...(asksForMore(require_approval, known, `${at}.require_approval`) &&
      { require_approval: "always" as const }),
  };
  if (server_label === functionsLabel && known.server_url === undefined) {
    refuseNarrowed(narrowing, at);
  }
  return [server_label, narrowing];
}

/** The profile alone says when its functions are called. A narrowing that does not hold is not accepted. */
function refuseNarrowed(narrowing: Narrowing, at: string): void {
  const [field] = Object.keys(narrowing);
  if (field === undefined) return;
  throw refusal(
    `${at}.${field}`,
    `'${functionsLabel}' are the profile's functions, which a caller cannot narrow`,
  );
}

/** Of a profile that lists no names, any is accepted: one that the server does not have allows nothing. */
function namesIn(
  wanted: string[] | { tool_names: string[] },
  known: RequestTool,
  at: string,
): string[] {
  const names = Array.isArray(wanted) ? wanted : wanted.tool_names;
  // Whether OpenAI takes an empty list for "none" or for "no limit" is its own affair.
  if (names.length === 0) {
    throw refusal(at, "it must name a tool. To ask without tools, use a profile that has none");
  }
  const own = allowedNames(known);
  const unknown = own && names.find((name) => !own.includes(name));
  if (unknown === undefined) return names;
  throw refusal(at, `the profile does not allow the tool ${seen(unknown)}`);
}

/** "never" asks for nothing, but the profile may still ask. "always" is stricter than any profile. */
function asksForMore(wanted: unknown, { require_approval }: RequestTool, at: string): boolean {
  if (isUnsaid(wanted) || wanted === "never") return false;
  if (wanted === "always") return true;
  if (canonicalOfValue(wanted) === canonicalOfValue(require_approval)) return false;
  throw refusal(
    at,
    `it must be "always", "never", or what the profile says, but is ${seen(wanted)}`,
  );
}

function refusal(at: string, why: string): Refusal {
  return invalidParam(
    at,
    "unsupported_parameter",
    `Unsupported parameter: cannot accept '${at}': ${why}. A caller may name and narrow the profile's own tools. Add other tools to the profile`,
  );
}
