/** What a job's runs did, item by item. */
import type { StepRow } from "../generated/rows.ts";

export type { StepStatus } from "../generated/status.ts";

/** A decision names its `item_id` and `digest` as `requestId` and `digest`. */
export type Step = Omit<StepRow, "job_id" | "answered_by" | "answer"> & {
  /** A person's answer: `{approve, reason?}` or `{outcome, output?}`. */
  answer: Record<string, unknown> | null;
};

/** A step that calls a tool: of an MCP server, or a function (`server_label` is null). */
export type ToolCall = Step & {
  kind: "mcp_call" | "function_call";
  tool: string;
};

export function isToolCall(step: Step): step is ToolCall {
  return (step.kind === "mcp_call" || step.kind === "function_call") &&
    step.tool !== null;
}
