/** What a job's runs did, item by item. */
import type { StepRow } from "../generated/rows.ts";

export type { StepStatus } from "../generated/status.ts";

/** Its `item_id` and `digest` are what a decision names as `requestId` and `digest`. */
export type Step = Omit<StepRow, "job_id" | "answered_by" | "answer"> & {
  /** What a person said: `{approve, reason?}` or `{outcome, output?}`. */
  answer: Record<string, unknown> | null;
};

/** A step that calls a tool. */
export type ToolCall = Step & {
  kind: "mcp_call";
  server_label: string;
  tool: string;
};

export function isToolCall(step: Step): step is ToolCall {
  return step.kind === "mcp_call" && step.server_label !== null &&
    step.tool !== null;
}
