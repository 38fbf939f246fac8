/** Output items of a response: what of them is looked into. The rest passes through as it came. */
import * as z from "./zod.ts";

/** An output item; its other fields depend on its type. */
export const itemSchema = z.looseObject({ type: z.string() });
export type Item = z.infer<typeof itemSchema>;

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

/** True for an item in which the model asks whether it may make a call. */
export function isApprovalRequest({ type }: Item): boolean {
  return type === "mcp_approval_request";
}
