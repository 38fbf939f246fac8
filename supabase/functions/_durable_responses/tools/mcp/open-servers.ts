/** Connects a plan's servers. Nothing of this is loaded for a plan without any. */
import { isRecord } from "../../model/is-record.ts";
import type { RequestTool } from "../../model/request.ts";
import { environment } from "../../platform/environment.ts";
import type { Plan } from "../../profiles/plan.ts";
import { asksPerson } from "../approval-rules.ts";
import { isAskedAbout } from "../conditions.ts";
import type { EffectRules } from "../effect-rules.ts";
import type { ListedTool } from "./listed-tool.ts";
import { type McpToolbox, openToolbox, type Served } from "./toolbox.ts";

export { choiceOf } from "./tool-choice.ts";

/**
 * Lists the tools of the plan's servers.
 * @param effects learns what the servers say about their tools
 * @throws ToolsUnavailable
 */
export async function openServers(
  { servers, approveWhen }: Pick<Plan, "servers" | "approveWhen">,
  effects: EffectRules,
  signal: AbortSignal,
): Promise<McpToolbox> {
  const served = servers.map((server): Served => ({
    server,
    allows: (tool) => isAllowed(server.tool, tool),
    needsApproval: async (tool, args) =>
      await isAskedAbout(approveWhen, server.label, tool, args) ??
        asksPerson({ tools: [server.tool] }, server.label, tool, effects),
  }));
  const toolbox = await openToolbox(served, environment().mcpHosts, signal);
  for (const list of toolbox.lists) effects.learn(list);
  return toolbox;
}

/** The meaning that `allowed_tools` has for OpenAI. */
function isAllowed({ allowed_tools: allowed }: RequestTool, tool: ListedTool): boolean {
  if (!allowed) return true;
  if (Array.isArray(allowed)) return allowed.includes(tool.name);
  return (allowed.tool_names?.includes(tool.name) ?? true) &&
    (allowed.read_only === undefined || allowed.read_only === isReadOnly(tool));
}

function isReadOnly({ annotations }: ListedTool): boolean {
  return isRecord(annotations) && annotations["readOnlyHint"] === true;
}
