/** Checks the names in a profile's rules for tools: a rule with a typing error applies to nothing, and nobody would notice. */
// @ts-types="./closest-string.d.ts"
import { closestString } from "deno-std/text/closest_string.js";
// @ts-types="./closest-string.d.ts"
import { levenshteinDistance } from "deno-std/text/levenshtein_distance.js";
import { kindOfCalls, nameOfTool } from "../../model/left-calls.ts";
import { allowedNames, type RequestTool } from "../../model/request.ts";
import type { Found } from "./finding.ts";

const fields = ["side_effects", "approve_when", "was_made"];

/**
 * Names only what looks like a typing error. Other names may be right: a server has tools that the profile does not name, and
 * a request may bring tools of its own.
 */
export function checkRules(profile: Record<string, unknown>, tools: RequestTool[]): Found[] {
  const known = tools.flatMap(rulesFor);
  return fields.flatMap((field) => {
    const rules = profile[field];
    if (typeof rules !== "object" || rules === null) return [];
    return Object.keys(rules).flatMap((rule) => {
      const meant = meantBy(rule, known, tools);
      return meant === undefined ? [] : [{
        path: `${field}.${rule}`,
        severity: "warn" as const,
        message: `'${field}' has a rule for '${rule}', which no tool of the profile is called`,
        hint: `Did you mean '${meant}'?`,
      }];
    });
  });
}

/** What a rule for this tool may be called, as far as the profile says. */
function rulesFor(tool: RequestTool): string[] {
  const kind = kindOfCalls(tool);
  if (kind !== undefined) return [nameOfTool(kind, tool["name"])].filter((name) => name !== "");
  const { server_label: label } = tool;
  if (tool.type !== "mcp" || label === undefined) return [];
  return (allowedNames(tool) ?? []).flatMap((name) => [name, `${label}.${name}`]);
}

function meantBy(rule: string, known: string[], tools: RequestTool[]): string | undefined {
  if (known.includes(rule)) return undefined;
  const servers = tools.filter(({ type, server_label }) => type === "mcp" && server_label);
  const own = servers.find(({ server_label: label }) => rule.startsWith(`${label}.`));
  const label = own === undefined ? nearLabel(rule, servers) : undefined;
  if (label !== undefined) return `${label}${rule.slice(rule.indexOf("."))}`;
  // Any tool may be one of a server that does not say which it allows.
  const isOpen = (tool: RequestTool) => allowedNames(tool) === undefined;
  if (own === undefined ? servers.some(isOpen) : isOpen(own)) return undefined;
  const within = own === undefined
    ? known
    : known.filter((name) => name.startsWith(`${own.server_label}.`));
  if (within.length === 0) return undefined;
  const near = closestString(rule, within);
  if (isNear(rule, near)) return near;
  return within.find((name) => name.startsWith(rule));
}

/** The server that is meant by what stands before the dot. */
function nearLabel(rule: string, servers: RequestTool[]): string | undefined {
  const [given = "", ...rest] = rule.split(".");
  if (rest.length === 0) return undefined;
  return servers.flatMap(({ server_label }) => server_label ?? []).find((label) =>
    isNear(given, label)
  );
}

/** Short names are near to each other without a typing error. */
function isNear(given: string, name: string): boolean {
  return levenshteinDistance(given, name) <= Math.min(2, Math.floor(name.length / 3));
}
