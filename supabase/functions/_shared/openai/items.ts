import { z } from "zod";

/** What is used of an `mcp_call` or an `mcp_approval_request`. */
export const callSchema = z.looseObject({
  server_label: z.string().default(""),
  name: z.string().default(""),
  arguments: z.string().nullish().transform((text) => text ?? ""),
  output: z.string().nullish().transform((text) => text ?? null),
  error: z.unknown().optional().transform((error) => error ?? null),
  status: z.string().nullish(),
});

/** What is used of an `mcp_list_tools`. */
export const toolListSchema = z.looseObject({
  server_label: z.string(),
  tools: z.array(z.looseObject({
    name: z.string(),
    annotations: z.looseObject({
      readOnlyHint: z.boolean().optional(),
      idempotentHint: z.boolean().optional(),
    }).nullish()
      .catch(null),
  })).default([]),
});
