import { z } from "zod";

const item = z.record(z.string(), z.unknown());

/** A tool as far as this project looks into it; OpenAI checks the rest. */
export const toolSchema = z.looseObject({
  type: z.string(),
  server_label: z.string().optional(),
  server_url: z.string().optional(),
  allowed_tools: z.union([
    z.array(z.string()),
    z.looseObject({
      read_only: z.boolean().optional(),
      tool_names: z.array(z.string()).optional(),
    }),
  ]).nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  authorization: z.string().optional(),
});
export type RequestTool = z.infer<typeof toolSchema>;

/**
 * The body of a Responses request as far as this project looks into it. Everything else passes through
 * as it came: OpenAI checks the request, and its refusal is final.
 */
export const requestSchema = z.looseObject({
  model: z.string().min(1).max(200).optional(),
  input: z.union([z.string().min(1), z.array(item).min(1)]).optional(),
  tools: z.array(toolSchema).max(128).optional(),
  include: z.array(z.string()).optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});
export type RequestBody = z.infer<typeof requestSchema>;
export type InputItem = z.infer<typeof item>;
