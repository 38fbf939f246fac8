/** The calls of a response that is read late, as the ledger knows them. */
import { isApprovalRequest, type Item } from "../model/items.ts";
import type { Upstream } from "../model/job.ts";
import { isLeftCall } from "../model/left-calls.ts";
import type { Step } from "../model/step.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import {
  type ApprovedCall,
  ApprovedCalls,
  asApproved,
  ownRequestId,
  stepIdOf,
} from "../tools/approved-calls.ts";
import type { EffectRules } from "../tools/effect-rules.ts";
import { StepIds } from "../tools/step-ids.ts";
import { callKey, stepOf } from "../tools/step-of-item.ts";

/** What a response did. */
export interface LateOutput {
  done: {
    item: Item;
    step: Step;
    /** The call that the ledger has; undefined for one that it does not have. */
    known: ApprovedCall | undefined;
  }[];
  /** Calls that had their yes, and that the response does not show. */
  unseen: ApprovedCall[];
}

/**
 * The steps of a response that arrived whole, without what it asks for. A call that the ledger has continues its step, by the same
 * rules as when a response is read in time (tools/background-calls.ts): so whoever reads it again writes nothing new.
 */
export function stepsOfOutput(
  { job_id: jobId, requests, calls }: Pick<Upstream, "job_id" | "requests" | "calls">,
  { output }: UpstreamResponse,
  effects: EffectRules,
): LateOutput {
  for (const item of output) if (item.type === "mcp_list_tools") effects.learn(item);
  const ids = new StepIds(jobId);
  const approved = new ApprovedCalls();
  const yeses = new Set<ApprovedCall>();
  for (const { call, isApproved } of knownCalls(requests, calls)) {
    approved.add(call);
    if (!isApproved) continue;
    yeses.add(call);
    ids.keep(call.stepId, call);
  }
  const done = output.filter((item) => !isLeftCall(item) && !isApprovalRequest(item)).map(
    (item) => {
      const known = approved.finish(item, item);
      const step = known
        ? stepOf(asApproved(item, known), effects, known.stepId)
        : stepOf(item, effects, ids.of(item, item));
      return { item, step, known };
    },
  );
  return { done, unseen: approved.unseen.filter((call) => yeses.has(call)) };
}

/** The calls that the ledger has of an attempt, each with the request that its step is named for. */
function knownCalls(requests: Upstream["requests"], calls: Upstream["calls"]) {
  const open = [...requests];
  return calls.map(({ item_id: stepId, server_label, tool, arguments: args, call_key }) => {
    const at = open.findIndex(({ id }) =>
      stepId === stepIdOf(id) || stepId.startsWith(`${stepIdOf(id)}_`)
    );
    const [request] = at < 0 ? [] : open.splice(at, 1);
    const call: ApprovedCall = {
      stepId,
      approvalId: request?.id ?? "",
      sentAs: request ? ownRequestId(request) : "",
      server: server_label ?? "",
      tool: tool ?? "",
      arguments: args ?? "",
      key: call_key ?? callKey(server_label ?? "", tool ?? "", args ?? ""),
      effect: "once",
      ours: true,
    };
    return { call, isApproved: request !== undefined };
  });
}
