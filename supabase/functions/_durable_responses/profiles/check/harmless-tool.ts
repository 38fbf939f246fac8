/** A tool that a profile's own rules call harmless, so that a smoke test may call it. */
import type { RequestTool } from "../../model/request.ts";
import * as z from "../../model/zod.ts";

export interface HarmlessTool {
  name: string;
  /** The server with that tool alone. A person is asked before each call. */
  server: RequestTool;
}

const rulesSchema = z.record(z.string(), z.string());
const namesSchema = z.union([z.array(z.string()), z.object({ tool_names: z.array(z.string()) })]);

/** The first tool that `side_effects` marks as `none` and that its server's `allowed_tools` lists. Nothing is guessed. */
export function harmlessTool(tools: RequestTool[], rules: unknown): HarmlessTool | undefined {
  const none = Object.entries(rulesSchema.safeParse(rules).data ?? {}).flatMap(([rule, effect]) =>
    effect === "none" ? [rule] : []
  );
  for (const tool of tools) {
    if (tool.type !== "mcp" || tool["run_by"] === "worker") continue;
    const allowed = namesSchema.safeParse(tool.allowed_tools).data ?? [];
    const names = Array.isArray(allowed) ? allowed : allowed.tool_names;
    const name = names.find((each) =>
      none.includes(each) || none.includes(`${tool.server_label}.${each}`)
    );
    if (name === undefined) continue;
    return { name, server: { ...tool, allowed_tools: [name], require_approval: "always" } };
  }
  return undefined;
}
