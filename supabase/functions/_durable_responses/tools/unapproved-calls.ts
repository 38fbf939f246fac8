/** Calls that were made without the required yes: some APIs ignore `require_approval`. */
import type { Item } from "../model/items.ts";
import type { RequestBody } from "../model/request.ts";
import type { Step } from "../model/step.ts";
import * as z from "../model/zod.ts";
import { ownRequest } from "./approved-calls.ts";
import type { ToolCallGuard } from "./tool-call-guard.ts";

const yes = z.lazy(() =>
  z.looseObject({
    type: z.literal("mcp_approval_response"),
    approval_request_id: z.string(),
    approve: z.literal(true),
  })
);

/** Whether a call that must not be made twice, and was not approved here, had no yes at all. */
export function isUnapproved(
  item: Item,
  step: Step,
  guard: ToolCallGuard,
  body: RequestBody,
): boolean {
  return step.kind === "mcp_call" && guard.mustAsk(step.server_label ?? "", step.tool ?? "") &&
    !namesOurs(item) && !yesesOf(body).has(item["approval_request_id"]);
}

/** Whether a call names a request by an id of ours: only a yes of ours can have told it. */
function namesOurs({ approval_request_id: named }: Item): boolean {
  return typeof named === "string" && named.startsWith(ownRequest);
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
 * Those of them whose call is still to be made. A chat sends its history along: a yes that a call after it names has been used.
 */
export function openYesesOf({ input }: RequestBody): Set<unknown> {
  const open = new Set<unknown>();
  for (const item of Array.isArray(input) ? input : []) {
    const answer = yes.safeParse(item);
    if (answer.success) open.add(answer.data.approval_request_id);
    else if (item.type === "mcp_call") open.delete(item["approval_request_id"]);
  }
  return open;
}

/**
 * The first call of an abandoned response that must not be made twice and had no yes at all. A call that names no request
 * may have had any of the given ones.
 */
export function firstUnapproved(
  calls: readonly Step[],
  yeses: readonly string[],
): Step | undefined {
  return calls.find(({ kind, item }) => {
    const asked = item?.["approval_request_id"];
    return kind === "mcp_call" &&
      (typeof asked === "string"
        ? !yeses.includes(asked) && !namesOurs(item ?? { type: kind })
        : yeses.length === 0);
  });
}
