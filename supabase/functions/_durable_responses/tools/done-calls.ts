import type { DoneStep } from "../model/rows.ts";

/** The calls of earlier runs that are done and must not be made twice, by their key. */
export function doneCalls(steps: DoneStep[]): Map<string, DoneStep> {
  return new Map(
    steps.flatMap((step) =>
      step.effect === "once" && step.call_key && step.error === null ? [[step.call_key, step]] : []
    ),
  );
}
