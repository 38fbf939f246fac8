/** What the ledger of a job says: which calls have finished, and which were approved and never seen. */
import type { DoneStep } from "../model/job.ts";
import { callAskedAbout } from "./own/call-steps.ts";

/** The finished calls of earlier runs that must not be made twice, by their key. */
export function doneCalls(steps: DoneStep[]): Map<string, DoneStep> {
  return new Map(
    steps.flatMap((step) =>
      step.effect === "once" && step.call_key && step.error === null ? [[step.call_key, step]] : []
    ),
  );
}

/** Requests for approval that got a yes, and whose calls nobody has seen. */
export function pendingApprovals(steps: DoneStep[]): DoneStep[] {
  const made = new Set(
    steps.flatMap(({ kind, item }) => kind === "mcp_call" ? [item?.["approval_request_id"]] : []),
  );
  const confirmed = new Set(
    steps.flatMap((step) =>
      step.kind === "mcp_call" && !step.item ? [approvalOf(step, steps)] : []
    ),
  );
  return steps.filter(({ kind, item, answer }) =>
    kind === "mcp_approval_request" && item !== null && callAskedAbout(item) === undefined &&
    answer?.["approve"] === true &&
    !made.has(item["id"]) && !confirmed.has(item["id"])
  );
}

/** The request that approved a call that a person has confirmed: OpenAI would act again on an approval without a call. */
export function approvalOf(call: DoneStep, steps: DoneStep[]): unknown {
  const used = new Set(steps.map(({ item }) => item?.["approval_request_id"]));
  return steps.find((step) =>
    step.kind === "mcp_approval_request" && step.answer?.["approve"] === true &&
    step.server_label === call.server_label && step.tool === call.tool &&
    (!call.arguments || step.arguments === call.arguments) && !used.has(step.item?.["id"])
  )?.item?.["id"];
}
