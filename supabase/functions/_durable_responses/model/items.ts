import type { Item } from "./outcome.ts";
import * as z from "./zod.ts";

/** What is used of an `mcp_call` or an `mcp_approval_request`. */
export const callSchema = z.looseObject({
  server_label: z._default(z.string(), ""),
  name: z._default(z.string(), ""),
  arguments: z.pipe(z.nullish(z.string()), z.transform((text) => text ?? "")),
  output: z.pipe(z.nullish(z.string()), z.transform((text) => text ?? null)),
  error: z.pipe(z.optional(z.unknown()), z.transform((error) => error ?? null)),
  status: z.nullish(z.string()),
});

/** What is used of an `mcp_list_tools`. */
export const toolListSchema = z.looseObject({
  server_label: z.string(),
  tools: z._default(
    z.array(z.looseObject({
      name: z.string(),
      annotations: z.catch(
        z.nullish(z.looseObject({
          readOnlyHint: z.optional(z.boolean()),
          idempotentHint: z.optional(z.boolean()),
        })),
        null,
      ),
    })),
    [],
  ),
});

/** The model asks whether it may make a call. */
export function isApprovalRequest({ type }: Item): boolean {
  return type === "mcp_approval_request";
}
