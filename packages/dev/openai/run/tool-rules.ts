import type { ListedTool } from "../request/items.ts";
import type { McpTool, ToolFilter } from "../request/tools.ts";

/** Whether the request lets the model see this tool. */
export function isAllowed(tool: ListedTool, server: McpTool): boolean {
  const rule = server.allowed_tools;
  if (rule === undefined || rule === null) return true;
  return Array.isArray(rule) ? rule.includes(tool.name) : fits(tool, rule);
}

/** Whether a call of this tool needs a person's yes. With no rule it does, as at OpenAI. */
export function needsApproval(tool: ListedTool, server: McpTool): boolean {
  const rule = server.require_approval ?? "always";
  if (typeof rule === "string") return rule === "always";
  if (rule.always !== undefined && fits(tool, rule.always)) return true;
  return rule.never === undefined || !fits(tool, rule.never);
}

/** A filter with names and `read_only` asks for both. */
function fits(tool: ListedTool, filter: ToolFilter): boolean {
  const named = filter.tool_names?.includes(tool.name) ?? true;
  const readOnly = tool.annotations?.readOnlyHint ?? false;
  return named && (filter.read_only === undefined || filter.read_only === readOnly);
}
