/** What a job's runs did, item by item. */
import type { StepRow } from "../generated/rows.ts";
import type { CallKind } from "../generated/status.ts";

export type { CallKind, StepStatus } from "../generated/status.ts";

/** A decision names its `item_id` and `digest` as `requestId` and `digest`. */
export type Step = Omit<StepRow, "job_id" | "answered_by" | "answer"> & {
  /** A person's answer: `{approve, reason?}` or `{outcome, output?}`. */
  answer: Record<string, unknown> | null;
};

/** A step that calls a tool: of an MCP server, or a function or another tool that OpenAI does not run (`server_label` is null). */
export type ToolCall = Step & {
  kind: "mcp_call" | CallKind;
  tool: string;
};

export function isToolCall(step: Step): step is ToolCall {
  return (step.kind === "mcp_call" || step.run_by !== null) && step.tool !== null;
}
