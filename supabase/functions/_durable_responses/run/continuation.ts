import type { InputItem, RequestBody } from "../model/request.ts";
import type { DoneStep } from "../model/rows.ts";
import * as z from "../model/zod.ts";
import { approvalOf, pendingApprovals } from "../tools/pending-approvals.ts";

/** Input larger than this is not sent as items, and in the end not at all, characters of JSON. */
export const MAX_CHECKPOINT_CHARS = 1_000_000;
/** What is kept of a tool's output when a checkpoint must shrink, characters. */
const COMPACT_OUTPUT_CHARS = 2_000;
const allowedTools = z.looseObject({ type: z.literal("allowed_tools") });
/** Items that state no fact: after the last one that does they are made anew by the next run. */
const MADE_ANEW = new Set(["reasoning", "message"]);

/**
 * The input for a run that goes on after earlier ones: what was asked, then the finished items as they
 * came, so that the model continues as if it had never been cut.
 */
export function continueWithItems(body: RequestBody, steps: DoneStep[]): RequestBody {
  return { ...free(body, steps), input: [...asked(body), ...carriedItems(steps)] };
}

/** The finished items of earlier runs that a later one is given. */
export function carriedItems(steps: DoneStep[]): InputItem[] {
  return untilLastFact(steps).flatMap((step) => itemsOf(step, steps));
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
  const pending = pendingApprovals(steps);
  const facts = untilLastFact(steps).filter((step) =>
    step.kind !== "mcp_list_tools" && !MADE_ANEW.has(step.kind) && !pending.includes(step)
  );
  const told = facts.length === 0
    ? []
    : [{ role: "developer", content: statement(facts, compact) }];
  // A yes can only be given as an item: told in words, the model would ask again.
  const approved = pending.flatMap((step) => itemsOf(step, steps));
  return { ...free(body, steps), input: [...asked(body), ...told, ...approved] };
}

function free(body: RequestBody, steps: DoneStep[]): RequestBody {
  const called = steps.some(({ kind }) => kind === "mcp_call" || kind === "mcp_approval_request");
  return called ? relaxed(body) : body;
}

/** A model that was made to call a tool has called it: made to again, it would act twice. */
function relaxed(body: RequestBody): RequestBody {
  const { tool_choice: choice } = body;
  if (choice === undefined || choice === "auto" || choice === "none") return body;
  const allowed = allowedTools.safeParse(choice);
  return { ...body, tool_choice: allowed.success ? { ...allowed.data, mode: "auto" } : "auto" };
}

/** True when steps can only be told as a message: something of them never was an item. */
export function needsMessage(steps: DoneStep[]): boolean {
  return steps.some((step) => step.kind === "background_run");
}

/** How large a request's input is, characters of JSON. */
export function sizeOf(body: RequestBody): number {
  return JSON.stringify(body.input ?? "").length;
}

/** Steps without the thoughts at their end, which belonged to something that never came. */
export function untilLastFact(steps: DoneStep[]): DoneStep[] {
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
