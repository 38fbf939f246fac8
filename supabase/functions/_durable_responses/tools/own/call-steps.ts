/** Calls of ours in the form of the ledger. */
import type { Item } from "../../model/items.ts";
import type { DoneStep } from "../../model/job.ts";
import type { RunBy, StepStatus } from "../../model/status.ts";
import type { Step } from "../../model/step.ts";
import type { OutputPart, OwnCall } from "./own-call.ts";

/** The outcome of a call. The model gets `parts` instead of the text. */
export interface Outcome {
  output?: string;
  error?: string;
  parts?: OutputPart[];
}

/** What the ledger and the model get if nobody knows whether a call was made, and no person is asked. */
export function unknownEnd(why: string): string {
  return `Nobody knows whether the call was made: ${why}`;
}

/** The id of our own question about the call of a step. */
export function questionId(stepId: string): string {
  return `apr_${stepId}`;
}

/** The server name that people see for a function of the profile. */
export const functionsLabel = "functions";

/** The step of a call: one row from the request until the answer. */
export function stepOfCall(
  call: OwnCall,
  status: StepStatus,
  { parts, ...outcome }: Outcome = {},
  runBy: RunBy = "worker",
): Step {
  return {
    item_id: call.stepId,
    kind: call.kind,
    status,
    effect: call.effect,
    ...(call.server === null ? {} : { server_label: call.server }),
    tool: call.tool,
    run_by: runBy,
    arguments: call.arguments,
    call_key: call.callKey,
    call_repeat: call.repeat,
    round: call.round,
    ...outcome,
    item: withParts(call.item, parts),
    ...(call.takenFrom === undefined ? {} : { taken_from: call.takenFrom }),
  };
}

/** The same as a finished step, for the run that continues from it. */
export function doneStepOf(
  call: OwnCall,
  number: number,
  { output, error, parts }: Outcome,
): DoneStep {
  return {
    number,
    attempt: call.key.attempt,
    item_id: call.stepId,
    kind: call.kind,
    effect: call.effect,
    server_label: call.server,
    tool: call.tool,
    run_by: "worker",
    arguments: call.arguments,
    call_key: call.callKey,
    call_repeat: call.repeat,
    output: output ?? null,
    error: error ?? null,
    item: withParts(call.item, parts),
    answer: null,
    answered_by: null,
  };
}

/** Content besides text is stored with the item of its call. OpenAI never sees it there. */
function withParts(item: Item, parts: OutputPart[] | undefined): Item {
  return parts === undefined ? item : { ...item, output_parts: parts };
}

/** A call's item without what is stored with it, and the content that the model gets instead of the text. */
export function itemAndParts(
  { output_parts: parts, upstream_call_id: _given, ...item }: Item,
): { item: Item; parts: unknown } {
  return { item, parts };
}

/** The `call_id` that the API gave a call. The item may have one of ours instead: see call-ids.ts. */
export function upstreamIdOf(item: Item): unknown {
  return "upstream_call_id" in item ? item["upstream_call_id"] : item["call_id"];
}

/**
 * Our own question to a person, whether a call may be made. It looks like one of OpenAI's, and differs by its `call_id`.
 * OpenAI never sees it.
 */
export function requestFor(call: OwnCall): Step {
  const id = questionId(call.stepId);
  const server_label = call.server ?? functionsLabel;
  return {
    item_id: id,
    kind: "mcp_approval_request",
    status: "waiting",
    server_label,
    tool: call.tool,
    arguments: call.arguments,
    item: {
      type: "mcp_approval_request",
      id,
      server_label,
      name: call.tool,
      arguments: call.arguments,
      call_id: call.callId,
    },
  };
}

/** The call that a question of ours is about; undefined for one of OpenAI's. */
export function callAskedAbout({ type, call_id }: Item): string | undefined {
  return type === "mcp_approval_request" && typeof call_id === "string" ? call_id : undefined;
}
