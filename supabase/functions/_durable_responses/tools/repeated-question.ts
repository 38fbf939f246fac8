/** A response that shows only what an earlier one did. */
import { callSchema, isApprovalRequest } from "../model/items.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { type ApprovedCall, ApprovedCalls } from "./approved-calls.ts";
import { callKey } from "./step-of-item.ts";

/**
 * Whether the response to a request with a yes asks for that very yes, and does not show its call. Then it is the response that
 * asked first: a cache, or a server whose ids repeat, has answered with it. It says nothing about the call, so the question
 * must not be answered again.
 * @param calls that got their yes in the request
 * @returns what it asks for, or undefined
 */
export function repeatedQuestion(
  { status, output }: UpstreamResponse,
  calls: readonly ApprovedCall[],
): string | undefined {
  if (status !== "completed") return undefined;
  const approved = new ApprovedCalls();
  for (const call of calls) approved.add(call);
  for (const item of output) approved.finish(item, item);
  const again = approved.takeUnseen().find(({ approvalId, key }) =>
    output.some((item) => {
      if (!isApprovalRequest(item) || String(item["id"]) !== approvalId) return false;
      const { server_label: server, name, arguments: args } = callSchema.parse(item);
      return callKey(server, name, args) === key;
    })
  );
  return again &&
    `asks again for ${again.tool} at ${again.server}, which had its yes, and does not show whether it was called`;
}
