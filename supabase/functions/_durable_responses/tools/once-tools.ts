import type { SideEffects } from "../model/effect.ts";
import type { RequestBody, RequestTool } from "../model/request.ts";

/**
 * Whether a request's tools may do something that must not be done twice, as far as is known before any
 * server has been asked: an MCP tool may, unless a rule or a read-only filter says otherwise.
 */
export function mayActOnce(body: RequestBody, rules: SideEffects): boolean {
  return (body.tools ?? []).some((tool) => tool.type === "mcp" && serverMayActOnce(tool, rules));
}

function serverMayActOnce(tool: RequestTool, rules: SideEffects): boolean {
  const allowed = tool.allowed_tools;
  if (!allowed) return true;
  if (!Array.isArray(allowed) && allowed.read_only) return false;
  const names = Array.isArray(allowed) ? allowed : allowed.tool_names;
  return names === undefined ||
    names.some((name) =>
      (rules[`${tool.server_label}.${name}`] ?? rules[name] ?? "once") === "once"
    );
}
