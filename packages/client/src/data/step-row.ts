/** Steps in the form of the table. */
import { effects, runners, stepStatuses } from "../generated/status.ts";
import type { Step } from "../types/step.ts";
import { nullable, number, object, oneOf, text, toRow } from "./fields.ts";

export const stepColumns =
  "number,attempt,item_id,kind,status,effect,server_label,tool,run_by,arguments,digest,call_id," +
  "output,error,answer,answered_at,started_at,finished_at";

/** @throws TypeError if it is not a step */
export function readStepRow(value: unknown): Step {
  const row = toRow(value);
  return {
    number: number(row, "number"),
    attempt: number(row, "attempt"),
    item_id: text(row, "item_id"),
    kind: text(row, "kind"),
    status: oneOf(row, "status", stepStatuses),
    effect: nullable(row, "effect", (from, name) => oneOf(from, name, effects)),
    server_label: nullable(row, "server_label", text),
    tool: nullable(row, "tool", text),
    run_by: nullable(row, "run_by", (from, name) => oneOf(from, name, runners)),
    arguments: nullable(row, "arguments", text),
    digest: nullable(row, "digest", text),
    call_id: nullable(row, "call_id", text),
    output: nullable(row, "output", text),
    error: nullable(row, "error", text),
    answer: nullable(row, "answer", object),
    answered_at: nullable(row, "answered_at", text),
    started_at: text(row, "started_at"),
    finished_at: nullable(row, "finished_at", text),
  };
}
