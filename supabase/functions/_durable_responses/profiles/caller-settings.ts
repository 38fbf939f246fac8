/** What a caller adds to a profile that allows it (`caller_may`), and how it goes into the request. */
import { allowedNames, type RequestBody, type RequestTool } from "../model/request.ts";
import * as z from "../model/zod.ts";

/** What a profile may leave to its callers. It decides everything else alone. */
export const callerParams = [
  "instructions",
  "text",
  "reasoning",
  "max_output_tokens",
  "max_tool_calls",
  "temperature",
  "top_p",
  "parallel_tool_calls",
  "tool_choice",
  "truncation",
] as const;
export type CallerParam = (typeof callerParams)[number];

/** Limits that a caller may lower, but never raise. */
export const limitParams: ReadonlySet<string> = new Set(["max_output_tokens", "max_tool_calls"]);

/** How a caller narrows a server of the profile: fewer of its tools, and a person asked before each call. */
const narrowingSchema = z.lazy(() =>
  z.object({
    allowed_tools: z.optional(z.array(z.string())),
    require_approval: z.optional(z.literal("always")),
  })
);
export type Narrowing = z.infer<typeof narrowingSchema>;

/** As stored in a job's row: members of a request, and under `tools` the narrowed servers, by label. */
const callerSettingsSchema = z.lazy(() =>
  z.looseObject({
    tools: z.optional(z.record(z.string(), narrowingSchema)),
  })
);
export type CallerSettings = z.infer<typeof callerSettingsSchema>;

/**
 * The profile's request with the caller's additions. Anything that the profile does not leave to callers (it may have
 * changed) stays the profile's.
 */
export function withCallerSettings(
  own: RequestBody,
  stored: Record<string, unknown> | null | undefined,
  may: readonly CallerParam[] = [],
): RequestBody {
  if (!stored) return own;
  const { tools: narrowings = {}, ...params } = callerSettingsSchema.parse(stored);
  const added = Object.entries(params).filter(([param]) => may.some((name) => name === param));
  return {
    ...own,
    ...Object.fromEntries(added.map(([param, value]) => [param, within(own[param], param, value)])),
    ...(own.tools && {
      tools: own.tools.flatMap((tool) => narrowed(tool, narrowings[tool.server_label ?? ""])),
    }),
  };
}

function within(own: unknown, param: string, value: unknown): unknown {
  const isLower = typeof own !== "number" || typeof value !== "number" || value <= own;
  return limitParams.has(param) && !isLower ? own : value;
}

/** @returns no tool if the profile, which may have changed, allows none of those that the caller named */
function narrowed(tool: RequestTool, narrowing: Narrowing | undefined): RequestTool[] {
  if (tool.type !== "mcp" || narrowing === undefined) return [tool];
  const { allowed_tools: wanted, require_approval } = narrowing;
  const allowed_tools = wanted && onlyOf(tool.allowed_tools, wanted);
  if (allowedNames({ allowed_tools })?.length === 0) return [];
  return [{
    ...tool,
    ...(allowed_tools && { allowed_tools }),
    ...(require_approval && { require_approval }),
  }];
}

/** The tools that the profile allows and the caller names. */
function onlyOf(
  own: RequestTool["allowed_tools"],
  wanted: string[],
): NonNullable<RequestTool["allowed_tools"]> {
  if (!own) return wanted;
  if (Array.isArray(own)) return own.filter((name) => wanted.includes(name));
  return {
    ...own,
    tool_names: own.tool_names?.filter((name) => wanted.includes(name)) ?? wanted,
  };
}
