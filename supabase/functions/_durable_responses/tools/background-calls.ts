/** What a background response did, in the form of the ledger. */
import { isApprovalRequest, type Item } from "../model/items.ts";
import { isLeftCall } from "../model/left-calls.ts";
import type { Work } from "../model/job.ts";
import type { RequestBody } from "../model/request.ts";
import type { Step } from "../model/step.ts";
import { isFinalUpstream, type UpstreamResponse } from "../model/upstream-response.ts";
import { type ApprovedCall, ApprovedCalls, asApproved, startOf } from "./approved-calls.ts";
import type { EffectRules } from "./effect-rules.ts";
import type { StepIds } from "./step-ids.ts";
import { stepOf } from "./step-of-item.ts";
import type { ToolCallGuard } from "./tool-call-guard.ts";
import { isUnapproved } from "./unapproved-calls.ts";
import { mayBeApproved, showsWhatItDid } from "./what-it-shows.ts";

/** What a background response did. */
export interface BackgroundCalls {
  /** Its items, without open requests for approval and for calls that others make. */
  steps: Step[];
  /** Calls that nobody said yes to. */
  unasked: Step[];
  /** Those of them that OpenAI was told to wait for a yes with. */
  unapproved: Step[];
  /** Calls that had their yes, and about which the response says nothing, although it ended by itself. */
  untold: ApprovedCall[];
}

/** What is needed to read a response. */
export interface Reading {
  guard: ToolCallGuard;
  /** The request as the profile makes it. */
  body: RequestBody;
  effects: EffectRules;
  /** Whether its text is the job's answer. */
  isAnswer: boolean;
  /** The ids of its steps: no item has got one yet. */
  ids: StepIds;
}

/**
 * Reads what a background response did. A call that had its yes continues the step that was written before the yes was sent.
 * If such a call is not in the response, it was not made, provided that the response shows what it did.
 */
export function callsOf(
  response: UpstreamResponse,
  work: Pick<Work, "calls_started">,
  { guard, body, effects, isAnswer, ids }: Reading,
): BackgroundCalls {
  const approved = new ApprovedCalls();
  for (const call of ids.apart(work.calls_started ? guard.approvedBefore() : [])) {
    approved.add(call);
  }
  for (const item of response.output) ids.of(item, item);
  const unapproved: Step[] = [];
  const unasked: Step[] = [];
  const others: Item[] = [];
  const done = response.output.filter((item) => !isApprovalRequest(item) && !isLeftCall(item));
  const steps = done.map((item) => {
    const call = approved.finish(item, item);
    if (call) return stepOf(asApproved(item, call), effects, call.stepId);
    others.push(item);
    const step = stepOf(item, effects, ids.of(item, item));
    if (step.kind === "mcp_call") unasked.push(step);
    if (isUnapproved(item, step, guard, body)) unapproved.push(step);
    return step;
  });
  const endedByItself = isFinalUpstream(response) && response.status !== "cancelled";
  const missing = endedByItself ? approved.takeUnseen() : [];
  const yeses = missing.flatMap(({ approvalId, sentAs }) => [approvalId, sentAs]);
  const isTold = showsWhatItDid(response, { isAnswer }) &&
    !others.some((item) => mayBeApproved(item, yeses, effects));
  const unmade = isTold ? missing : [];
  return {
    steps: [...steps, ...unmade.map((call) => ({ ...startOf(call), status: "void" as const }))],
    unasked,
    unapproved,
    untold: missing.slice(unmade.length),
  };
}
