import type { DoneStep } from "../db/schemas.ts";
import type { Item } from "../openai/outcome.ts";
import type { EffectRules } from "./effects.ts";
import { stepOf } from "./step.ts";

/** An answer to a request for approval. */
export interface ApprovalAnswer {
  approve: boolean;
  reason?: string;
}

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
