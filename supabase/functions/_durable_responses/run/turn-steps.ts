import type { Item } from "../model/outcome.ts";
import type { DoneStep } from "../model/rows.ts";
import type { ApprovalAnswer } from "../model/step.ts";
import type { EffectRules } from "../tools/effect-rules.ts";
import { stepOf } from "../tools/step-of-item.ts";

/** What a response did and was answered, as steps that the run's next request goes on from. */
export function turnSteps(
  output: Item[],
  answers: ReadonlyMap<string, ApprovalAnswer>,
  effects: EffectRules,
  fence: { attempt: number; after: number },
): DoneStep[] {
  return output.map((item, index) => {
    const step = stepOf(item, effects);
    return {
      number: fence.after + index + 1,
      attempt: fence.attempt,
      item_id: step.item_id,
      kind: step.kind,
      effect: step.effect ?? null,
      server_label: step.server_label ?? null,
      tool: step.tool ?? null,
      arguments: step.arguments ?? null,
      call_key: step.call_key ?? null,
      output: step.output ?? null,
      error: step.error ?? null,
      item,
      answer: { ...answers.get(step.item_id) },
    };
  });
}
