/** Calls that OpenAI leaves to others: the fields that are read of each kind, and the name of its tool. */
import type { Item } from "./items.ts";
import { isRecord } from "./is-record.ts";
import { text } from "./lenient.ts";
import { type CallKind, isCallKind, type RunBy } from "./status.ts";
import * as z from "./zod.ts";

/** A call that OpenAI leaves to others. */
export interface LeftCall {
  kind: CallKind;
  callId: string;
  /** The function's or the custom tool's name; for another kind, see `toolOf`. */
  tool: string;
  /** A function's arguments, a custom tool's input; of another kind, the item's own fields as JSON. */
  arguments: string;
}

/** Names of tools whose calls have none, by the kind of call. Rules, ledger and console use them. */
const toolOf = {
  apply_patch_call: "apply_patch",
  local_shell_call: "local_shell",
  shell_call: "shell",
  computer_call: "computer",
} as const satisfies Partial<Record<CallKind, string>>;

/** The kinds of the calls of tools that OpenAI never runs itself, by the type of the tool. */
const kindOf: ReadonlyMap<string, CallKind> = new Map<string, CallKind>([
  ["function", "function_call"],
  ["custom", "custom_tool_call"],
  ["apply_patch", "apply_patch_call"],
  ["local_shell", "local_shell_call"],
  ["computer", "computer_call"],
  ["computer_use", "computer_call"],
  ["computer_use_preview", "computer_call"],
]);

const named = z.lazy(() =>
  z.looseObject({
    call_id: text(""),
    name: text(""),
    arguments: text(""),
    input: text(""),
  })
);

/** Fields that every item has, that only OpenAI sets, or that only the ledger has. */
const common = new Set([
  "id",
  "type",
  "status",
  "call_id",
  "upstream_call_id",
  "created_by",
  "output_parts",
]);

/** True for an item that asks for a call that OpenAI does not make itself. */
export function isLeftCall(item: Item): boolean {
  return isCallKind(item.type) && !(item.type === "shell_call" && isInContainer(item));
}

/** True for the type of an item that answers a call. */
export function isAnswerType(type: unknown): boolean {
  return typeof type === "string" && type.endsWith("_output") &&
    isCallKind(type.slice(0, -"_output".length));
}

/** True for the item that answers this call. The answer to a `local_shell_call` may have the call's id as its own. */
export function answers(item: Item, call: Item): boolean {
  return item.type === `${call.type}_output` &&
    (item["call_id"] ?? item["id"]) === call["call_id"];
}

/** The call that an item asks others to make; undefined for any other item. */
export function leftCallOf(item: Item): LeftCall | undefined {
  const { type: kind } = item;
  if (!isCallKind(kind) || !isLeftCall(item)) return undefined;
  const { call_id: callId, name, arguments: args, input } = named.parse(item);
  switch (kind) {
    case "function_call":
      return { kind, callId, tool: name, arguments: args };
    case "custom_tool_call":
      return { kind, callId, tool: name, arguments: input };
    default:
      return { kind, callId, tool: toolOf[kind], arguments: ownFields(item) };
  }
}

/** The kind of the call that a step of the ledger is, if OpenAI left it to others; undefined for any other step. */
export function leftKindOf(
  { kind, run_by }: { kind: string; run_by?: RunBy | null | undefined },
): CallKind | undefined {
  return isCallKind(kind) && (kind === "function_call" || (run_by ?? null) !== null)
    ? kind
    : undefined;
}

/** The item of a call that was read with `leftCallOf`, without an id. */
export function itemOfCall(call: LeftCall): Item {
  const { kind: type, callId: call_id, tool: name, arguments: args } = call;
  const base = { type, call_id, status: "completed" };
  switch (type) {
    case "function_call":
      return { ...base, name, arguments: args };
    case "custom_tool_call":
      return { ...base, name, input: args };
    default: {
      const fields: unknown = JSON.parse(args);
      return { ...base, ...(isRecord(fields) ? fields : {}) };
    }
  }
}

/** The kind of a tool's calls if others make them; undefined for a tool that OpenAI runs. */
export function kindOfCalls(tool: { type: string; environment?: unknown }): CallKind | undefined {
  if (tool.type === "shell") return isHosted(tool) ? undefined : "shell_call";
  return kindOf.get(tool.type);
}

/** The name by which rules and ledger know a tool whose calls others make. */
export function nameOfTool(kind: CallKind, name: unknown): string {
  if (kind !== "function_call" && kind !== "custom_tool_call") return toolOf[kind];
  return typeof name === "string" ? name : "";
}

/** A shell in one of OpenAI's containers. */
function isHosted({ environment }: { environment?: unknown }): boolean {
  return isRecord(environment) && environment["type"] !== "local";
}

function isInContainer({ environment }: Item): boolean {
  return isRecord(environment) && environment["type"] === "container_reference";
}

function ownFields(item: Item): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(item).filter(([field]) => !common.has(field))),
  );
}
