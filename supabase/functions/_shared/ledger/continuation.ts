import type { DoneStep } from "../db/schemas.ts";
import type { InputItem, RequestBody } from "../profile/request.ts";

/** Input larger than this is not sent as items, and in the end not at all, characters of JSON. */
export const MAX_CHECKPOINT_CHARS = 1_000_000;
/** What is kept of a tool's output when a checkpoint must shrink, characters. */
const COMPACT_OUTPUT_CHARS = 2_000;
/** Items that state a fact. Reasoning and text after the last of them is made anew by the next run. */
const MADE_ANEW = new Set(["reasoning", "message"]);

/**
 * The input for a run that goes on after earlier ones: what was asked, then the finished items as they
 * came, so that the model continues as if it had never been cut.
 */
export function continueWithItems(body: RequestBody, steps: DoneStep[]): RequestBody {
  return { ...body, input: [...asked(body), ...carriedItems(steps)] };
}

/** The finished items of earlier runs that a later one is given. */
export function carriedItems(steps: DoneStep[]): InputItem[] {
  return carried(steps).flatMap((step) => itemsOf(step, steps));
}

/**
 * The same facts as one developer message: for an API that refuses the items, for a checkpoint that is
 * too large, and for what a person has said about a run that left no items.
 */
export function continueWithMessage(
  body: RequestBody,
  steps: DoneStep[],
  compact: boolean,
): RequestBody {
  const facts = carried(steps).filter((step) =>
    step.kind !== "mcp_list_tools" && !MADE_ANEW.has(step.kind)
  );
  if (facts.length === 0) return body;
  return {
    ...body,
    input: [...asked(body), { role: "developer", content: statement(facts, compact) }],
  };
}

/** True when steps can only be told as a message: something of them never was an item. */
export function needsMessage(steps: DoneStep[]): boolean {
  return steps.some((step) => step.kind === "background_run");
}

/** How large a request's input is, characters of JSON. */
export function sizeOf(body: RequestBody): number {
  return JSON.stringify(body.input ?? "").length;
}

function carried(steps: DoneStep[]): DoneStep[] {
  const last = steps.findLastIndex((step) => !MADE_ANEW.has(step.kind));
  return steps.slice(0, last + 1);
}

function asked(body: RequestBody): InputItem[] {
  return typeof body.input === "string"
    ? [{ role: "user", content: body.input }]
    : body.input ?? [];
}

function itemsOf(step: DoneStep, steps: DoneStep[]): InputItem[] {
  if (step.kind === "mcp_approval_request" && step.item !== null) {
    const { approve, reason } = step.answer ?? {};
    return [
      step.item,
      {
        type: "mcp_approval_response",
        approval_request_id: String(step.item["id"] ?? step.item_id),
        approve: approve === true,
        ...(typeof reason === "string" ? { reason } : {}),
      },
    ];
  }
  if (step.item !== null) return [step.item];
  if (step.kind !== "mcp_call") return [];
  // A call that a person has vouched for: nobody ever saw it finish, so the item is made from the ledger.
  const approval = approvalOf(step, steps);
  return [{
    type: "mcp_call",
    // The ledger of a job that was retried has the attempt in front of the id.
    id: step.item_id.replace(/^(?:\d+:)+/, ""),
    ...(approval === undefined ? {} : { approval_request_id: approval }),
    server_label: step.server_label ?? "",
    name: step.tool ?? "",
    arguments: step.arguments || "{}",
    output: step.output,
  }];
}

/** The request that a vouched call was approved by: an approval that no call answers to is acted on, again. */
function approvalOf(call: DoneStep, steps: DoneStep[]): unknown {
  const used = new Set(steps.map(({ item }) => item?.["approval_request_id"]));
  return steps.find((step) =>
    step.kind === "mcp_approval_request" && step.answer?.["approve"] === true &&
    step.server_label === call.server_label && step.tool === call.tool &&
    (!call.arguments || step.arguments === call.arguments) && !used.has(step.item?.["id"])
  )?.item?.["id"];
}

const STATEMENT =
  "An earlier run of this task was interrupted. What it did is listed below, one JSON object a line; it is done and its outputs are true. Do not do any of it again. Go on with what is left.";

function statement(facts: DoneStep[], compact: boolean): string {
  const lines = facts.map((step) => {
    if (step.kind === "background_run") {
      return JSON.stringify({ done_by_an_earlier_run: step.output });
    }
    if (step.kind === "mcp_approval_request") {
      return JSON.stringify({
        asked_for_approval: step.tool,
        arguments: step.arguments,
        answer: step.answer,
      });
    }
    const output = compact && step.output ? cut(step.output) : step.output;
    return JSON.stringify({
      server_label: step.server_label,
      tool: step.tool,
      arguments: step.arguments,
      ...(step.error === null ? { output } : { error: step.error }),
    });
  });
  return `${STATEMENT}\n${lines.join("\n")}`;
}

function cut(text: string): string {
  return text.length <= COMPACT_OUTPUT_CHARS
    ? text
    : `${text.slice(0, COMPACT_OUTPUT_CHARS)}… (${text.length} characters)`;
}
