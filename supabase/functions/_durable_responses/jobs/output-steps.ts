/** The steps of a whole response, for the ledger. */
import { isApprovalRequest } from "../model/items.ts";
import { isLeftCall } from "../model/left-calls.ts";
import type { Step } from "../model/step.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { stepIdOf } from "../tools/approved-calls.ts";
import type { EffectRules } from "../tools/effect-rules.ts";
import { StepIds } from "../tools/step-ids.ts";
import { stepOf } from "../tools/step-of-item.ts";

/**
 * The steps of a response that arrived whole: what it did, and what it asks for. If it is read again, the steps and their
 * ids are the same. A call that got a yes is the step that was written before the yes was sent.
 */
export function stepsOfOutput(
  jobId: string,
  { output }: UpstreamResponse,
  effects: EffectRules,
  yeses: readonly string[] = [],
): { done: Step[]; asked: Step[] } {
  for (const item of output) if (item.type === "mcp_list_tools") effects.learn(item);
  const ids = new StepIds(jobId);
  const all = output.filter((item) => !isLeftCall(item)).map((item, place) => {
    const id = ids.of(item, place);
    const yes = yeses.find((request) =>
      item.type === "mcp_call" && item["approval_request_id"] === request
    );
    return {
      asks: isApprovalRequest(item),
      step: stepOf(item, effects, yes === undefined ? id : stepIdOf(yes)),
    };
  });
  return {
    done: all.filter(({ asks }) => !asks).map(({ step }) => step),
    asked: all.filter(({ asks }) => asks).map(({ step }) => step),
  };
}
