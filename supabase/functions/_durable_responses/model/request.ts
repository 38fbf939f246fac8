/** A Responses request, as far as it is read here. */
import * as z from "./zod.ts";

const item = z.record(z.string(), z.unknown());

/** Selects tools of a server: those that match all of it. */
export const toolFilter = z.lazy(() =>
  z.looseObject({
    read_only: z.optional(z.boolean()),
    tool_names: z.optional(z.array(z.string())),
  })
);

/** A tool, as far as this project reads it. OpenAI checks the rest. */
export const toolSchema = z.lazy(() =>
  z.looseObject({
    type: z.string(),
    server_label: z.optional(z.string()),
    server_url: z.optional(z.string()),
    allowed_tools: z.nullish(z.union([z.array(z.string()), toolFilter])),
    require_approval: z.nullish(z.union([
      z.string(),
      z.looseObject({ always: z.nullish(toolFilter), never: z.nullish(toolFilter) }),
    ])),
    headers: z.nullish(z.record(z.string(), z.string())),
    authorization: z.optional(z.string()),
  })
);
export type RequestTool = z.infer<typeof toolSchema>;

/** The names of a server's tools that are allowed; undefined if they are not named. */
export function allowedNames(
  { allowed_tools: allowed }: Pick<RequestTool, "allowed_tools">,
): string[] | undefined {
  return Array.isArray(allowed) ? allowed : allowed?.tool_names;
}

/**
 * The body of a Responses request, as far as this project reads it. Everything else passes through unchanged: OpenAI checks
 * the request, and its refusal is final.
 */
export const requestSchema = z.looseObject({
  model: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  input: z.optional(z.union([
    z.string().check(z.minLength(1)),
    z.array(item).check(z.minLength(1)),
  ])),
  tools: z.optional(z.array(toolSchema).check(z.maxLength(128))),
  include: z.optional(z.array(z.string())),
  metadata: z.optional(
    z.record(z.string().check(z.maxLength(64)), z.string().check(z.maxLength(512))),
  ),
});
export type RequestBody = z.infer<typeof requestSchema>;
export type InputItem = z.infer<typeof item>;

/** The ids that items of the caller's input have, those of calls too: a server that numbers its own anew may give them again. */
export function idsOfInput({ input }: RequestBody): ReadonlySet<unknown> {
  const items = Array.isArray(input) ? input : [];
  const ids = items.flatMap((one) => [one["id"], one["call_id"], one["approval_request_id"]]);
  return new Set(ids.filter((id) => typeof id === "string"));
}
