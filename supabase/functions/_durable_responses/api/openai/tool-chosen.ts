/** The `tool_choice` of a request to a profile: it can only choose what the profile has. */
import { placeOf, seen } from "../../model/flaw.ts";
import { isRecord } from "../../model/is-record.ts";
import { allowedNames, type RequestTool } from "../../model/request.ts";
import { invalidParam, type Refusal } from "./refusal.ts";

const modes = new Set<unknown>(["none", "auto", "required"]);
/** Kinds of tools of which a profile may have several, told apart by this field. */
const nameOf: ReadonlyMap<unknown, string> = new Map([
  ["function", "name"],
  ["custom", "name"],
  ["mcp", "server_label"],
]);

/** @throws Refusal 400 for a choice of what is not there: OpenAI would refuse it when the job is accepted already */
export function refuseStrangeChoice(choice: unknown, own: readonly RequestTool[]): void {
  if (typeof choice === "string") {
    if (modes.has(choice)) return;
    throw refusal(
      "tool_choice",
      `it must be none, auto, required or a tool, but is ${seen(choice)}`,
    );
  }
  if (!isRecord(choice)) return;
  if (choice["type"] !== "allowed_tools") return refuseUnknown(choice, "tool_choice", own);
  const { tools } = choice;
  if (!Array.isArray(tools) || tools.length === 0) {
    throw refusal("tool_choice.tools", `it must be a list of tools, but is ${seen(tools)}`);
  }
  for (const [index, tool] of tools.entries()) {
    const at = `tool_choice.tools[${index}]`;
    if (!isRecord(tool)) throw refusal(at, `it must be a tool, but is ${seen(tool)}`);
    refuseUnknown(tool, at, own);
  }
}

function refuseUnknown(
  chosen: Record<string, unknown>,
  at: string,
  own: readonly RequestTool[],
): void {
  const { type, name } = chosen;
  const same = own.filter((tool) => tool.type === type);
  if (same.length === 0) throw refusal(placeOf([at, "type"]), `the profile has no ${seen(type)}`);
  const field = nameOf.get(type);
  if (field === undefined) return;
  const named = same.find((tool) => tool[field] === chosen[field]);
  if (!named) {
    throw refusal(placeOf([at, field]), `the profile has no ${type} ${seen(chosen[field])}`);
  }
  const allowed = allowedNames(named);
  if (type !== "mcp" || typeof name !== "string" || !allowed || allowed.includes(name)) return;
  throw refusal(placeOf([at, "name"]), `the profile does not allow the tool ${seen(name)}`);
}

function refusal(at: string, why: string): Refusal {
  return invalidParam(
    at,
    "invalid_value",
    `Cannot accept '${at}': ${why}. Choose one of the profile's own tools, or leave tool_choice out`,
  );
}
