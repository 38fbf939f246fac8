/** What an output item means for the ledger. */
import { canonicalJson } from "../model/canonical.ts";
import { callSchema, isInFlight, type Item } from "../model/items.ts";
import { jsonOf } from "../model/json-of.ts";
import { isNoError } from "../model/reported-error.ts";
import type { Step } from "../model/step.ts";
import * as z from "../model/zod.ts";
import { redact } from "../platform/redact.ts";
import type { EffectRules } from "./effect-rules.ts";

/**
 * What an output item means for the ledger: a call with an answer has finished, one without is in flight, a request for
 * approval waits, anything else is a finished piece of the run.
 * @param id the step's id, if the item's own may not be unique: see StepIds
 */
export function stepOf(item: Item, rules: EffectRules, id = idOf(item)): Step {
  const kind = item.type;
  const item_id = id;
  if (kind === "mcp_approval_request") {
    const { server_label, name, arguments: args } = callSchema.parse(item);
    return { item_id, kind, status: "waiting", server_label, tool: name, arguments: args, item };
  }
  if (kind !== "mcp_call") return { item_id, kind, status: "finished", item };
  const call = callSchema.parse(item);
  const { server_label, name: tool, arguments: args } = call;
  const base = {
    item_id,
    kind,
    server_label,
    tool,
    arguments: args,
    call_key: callKey(server_label, tool, args),
    effect: rules.effectOf(server_label, tool),
  };
  // Some servers write an empty error beside an output.
  const isDone = isNoError(call.error) && (call.output !== null || call.status === "completed");
  if (call.error !== null && !isDone) {
    const uncertain = base.effect === "once" && !isAnswer(call.error);
    return {
      ...base,
      status: uncertain ? "uncertain" : "failed",
      error: redact(textOf(call.error)),
      item,
    };
  }
  if (isInFlight(item)) return { ...base, status: "started" };
  return { ...base, status: "finished", output: call.output ?? "", item };
}

function idOf(item: Item): string {
  return typeof item["id"] === "string" ? item["id"] : crypto.randomUUID();
}

/** A call as it would be if nobody had been asked. */
export function withoutApproval(item: Item): Item {
  return { ...item, approval_request_id: null };
}

/**
 * The same call has the same key in every attempt, and two different calls never do, although ids and the order of arguments
 * change. The names are quoted, so that a line break in one cannot make it look like another pair.
 */
export function callKey(server: string, tool: string, args: string): string {
  return [JSON.stringify(server), JSON.stringify(tool), canonicalJson(args)].join("\n");
}

const toolError = z.lazy(() => z.looseObject({ type: z.literal("mcp_tool_execution_error") }));

/**
 * Whether an error surely came from the tool itself. A connection that failed during the call (`http_error`, or a protocol
 * error) says nothing about what the tool did, nor does an error of a form that nobody knows.
 */
function isAnswer(error: unknown): boolean {
  // Some servers write the error's object as text.
  return toolError.safeParse(typeof error === "string" ? jsonOf(error) : error).success;
}

function textOf(error: unknown): string {
  return typeof error === "string" ? error : JSON.stringify(error);
}
