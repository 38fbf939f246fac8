/** Calls that were made without the yes that the request asked for: some servers do not heed `require_approval`. */
import type { Item } from "../model/items.ts";
import type { RequestBody } from "../model/request.ts";
import type { Step } from "../model/step.ts";
import * as z from "../model/zod.ts";
import type { ToolCallGuard } from "./tool-call-guard.ts";

const yes = z.looseObject({
  type: z.literal("mcp_approval_response"),
  approval_request_id: z.string(),
  approve: z.literal(true),
});

/** Whether a call that must not be made twice, and is none of those that were approved here, had no yes at all. */
export function isUnasked(
  item: Item,
  step: Step,
  guard: ToolCallGuard,
  body: RequestBody,
): boolean {
  return step.kind === "mcp_call" && guard.mustAsk(step.server_label ?? "", step.tool ?? "") &&
    !yesesOf(body).has(item["approval_request_id"]);
}

/** The requests to which the caller's own input says yes. */
export function yesesOf({ input }: RequestBody): Set<unknown> {
  if (!Array.isArray(input)) return new Set();
  return new Set(input.flatMap((item) => {
    const answer = yes.safeParse(item);
    return answer.success ? [answer.data.approval_request_id] : [];
  }));
}

/**
 * Of a response that was given up, the first call that must not be made twice and had no yes at all. One that names no request
 * may have had any of those that were given.
 */
export function calledUnasked(
  calls: readonly Step[],
  yeses: readonly string[],
): Step | undefined {
  return calls.find(({ kind, item }) => {
    const asked = item?.["approval_request_id"];
    return kind === "mcp_call" &&
      (typeof asked === "string" ? !yeses.includes(asked) : yeses.length === 0);
  });
}
