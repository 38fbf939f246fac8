/** What a job's runs did, item by item. */

import type { Effect, StepStatus } from "../generated/status.ts";

export type { StepStatus } from "../generated/status.ts";

export interface Step {
  /** Counts from 1 within the job. */
  number: number;
  attempt: number;
  /** OpenAI's id of the item; an approval names it as `requestId`. */
  item_id: string;
  /** The item's type: mcp_call, mcp_list_tools, reasoning, message, mcp_approval_request … */
  kind: string;
  status: StepStatus;
  /** For a call: what it does to the world. */
  effect: Effect | null;
  server_label: string | null;
  tool: string | null;
  /** JSON as text. */
  arguments: string | null;
  output: string | null;
  error: string | null;
  /** What a person said: `{approve, reason?}` or `{outcome, output?}`. */
  answer: Record<string, unknown> | null;
  answered_at: string | null;
  started_at: string;
  finished_at: string | null;
}

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
