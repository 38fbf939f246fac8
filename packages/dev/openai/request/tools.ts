import { z } from "zod";

const ToolFilterSchema = z.object({
  read_only: z.boolean().optional(),
  tool_names: z.array(z.string()).optional(),
});

const McpToolSchema = z.object({
  type: z.literal("mcp"),
  server_label: z.string().regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/),
  server_url: z.url().optional(),
  connector_id: z.string().optional(),
  tunnel_id: z.string().optional(),
  server_description: z.string().optional(),
  authorization: z.string().optional(),
  headers: z.record(z.string(), z.string()).nullish(),
  allowed_tools: z.union([z.array(z.string()), ToolFilterSchema]).nullish(),
  require_approval: z.union([
    z.enum(["always", "never"]),
    z.object({ always: ToolFilterSchema.optional(), never: ToolFilterSchema.optional() }),
  ]).nullish(),
  defer_loading: z.boolean().optional(),
});

/** Tools that OpenAI runs itself, of which only web search does anything here, and those that whoever asks runs. */
const NativeToolSchema = z.looseObject({
  type: z.enum([
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "file_search",
    "code_interpreter",
    "image_generation",
    "computer",
    "computer_use_preview",
    "local_shell",
    "shell",
    "apply_patch",
  ]),
});

/** A function of whoever asks: its calls are left to them. */
const FunctionToolSchema = z.object({
  type: z.literal("function"),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
  defer_loading: z.boolean().optional(),
  allowed_callers: z.array(z.string()).nullish(),
});

const CustomToolSchema = z.looseObject({ type: z.literal("custom"), name: z.string().min(1) });

export const ToolSchema = z.discriminatedUnion("type", [
  McpToolSchema,
  FunctionToolSchema,
  CustomToolSchema,
  NativeToolSchema,
]);

export type FunctionTool = z.infer<typeof FunctionToolSchema>;
export type McpTool = z.infer<typeof McpToolSchema>;
export type RequestTool = z.infer<typeof ToolSchema>;
export type ToolFilter = z.infer<typeof ToolFilterSchema>;
