/** Tools that are refused before anything is accepted: those that nothing would run, and those that could act twice. */
import { isRecord } from "../model/is-record.ts";
import type { RequestTool } from "../model/request.ts";
import type { SideEffects } from "../model/step.ts";
import { RequestError } from "../platform/errors.ts";
import { isWorkerServer, wrongServer } from "./mcp-server.ts";
import type { OwnTool } from "./own-tools.ts";

/** Tools whose calls OpenAI leaves to the caller, and that nothing here runs. */
const leftToOthers = new Set([
  "custom",
  "apply_patch",
  "local_shell",
  "computer",
  "computer_use",
  "computer_use_preview",
]);

interface Rules {
  own: readonly OwnTool[];
  effects: SideEffects;
  /** The profile's name, or "request" for a whole request. */
  where: { profile: string } | "request";
}

/**
 * @returns the names of functions that the caller runs
 * @throws RequestError `invalid_profile`, or `invalid_request` for a whole request
 */
export function refuseTools(tools: readonly RequestTool[], rules: Rules): string[] {
  const own = new Map(rules.own.map((tool) => [tool.name, tool]));
  const named = new Set<string>();
  for (const [at, tool] of tools.entries()) {
    refuseTool(tool, `tools.${at}`, own, rules);
    const name = functionName(tool);
    if (name === undefined) continue;
    if (named.has(name)) {
      throw refusal(rules, `tools.${at}`, `there are two functions named '${name}'`, "Rename one");
    }
    named.add(name);
  }
  refuseTwoOfALabel(tools, rules);
  return tools.flatMap((tool) => {
    const name = functionName(tool);
    return name !== undefined && tool["run_by"] === "caller" ? [name] : [];
  });
}

/** Rules and results identify a server by its label. */
function refuseTwoOfALabel(tools: readonly RequestTool[], rules: Rules): void {
  const labels = tools.map(({ type, server_label }) => type === "mcp" ? server_label : undefined);
  for (const [at, tool] of tools.entries()) {
    const { server_label: label } = tool;
    const others = labels.filter((other) => other === label).length - 1;
    if (!isWorkerServer(tool) || others === 0) continue;
    throw refusal(rules, `tools.${at}`, `there are two servers named '${label}'`, "Rename one");
  }
}

function refuseTool(
  tool: RequestTool,
  at: string,
  own: ReadonlyMap<string, OwnTool>,
  rules: Rules,
): void {
  const runBy = tool["run_by"];
  const name = functionName(tool);
  if (tool.type === "function" && name === undefined) {
    throw refusal(rules, at, "a function needs a name", "Give it one");
  }
  if (name !== undefined && runBy !== "caller" && !own.has(name)) {
    throw refusal(
      rules,
      at,
      `nothing runs the function '${name}'`,
      'Declare it with tool() or sqlTool() in a profile, or give it run_by: "caller" and answer its calls yourself',
    );
  }
  if (leftToOthers.has(tool.type)) {
    throw refusal(
      rules,
      at,
      `OpenAI leaves tools of the type '${tool.type}' to the caller, and nothing here runs them`,
      'Offer the same as a function with run_by: "caller", or as tool()',
    );
  }
  if (tool.type === "shell" && !isHosted(tool)) {
    throw refusal(
      rules,
      at,
      "nothing here runs a shell of the caller",
      'Give it an environment at OpenAI, {type: "container_auto"}, or offer commands as tool()',
    );
  }
  if (tool.type === "mcp") refuseServer(tool, at, rules);
  else if (runBy !== undefined && tool.type !== "function") {
    throw refusal(rules, at, `a tool of the type '${tool.type}' has no run_by`, "Leave it out");
  }
  const effect = effectOf(tool, own, rules.effects);
  if (calledByPrograms(tool) && effect === "once") {
    throw refusal(
      rules,
      at,
      "allowed_callers contains 'programmatic', and a program that the model writes may repeat a call that must not be made twice",
      "Leave allowed_callers out, or declare the tool idempotent or none in side_effects",
    );
  }
}

function refuseServer(tool: RequestTool, at: string, rules: Rules): void {
  const runBy = tool["run_by"] ?? "openai";
  if (runBy !== "openai" && runBy !== "worker") {
    throw refusal(
      rules,
      at,
      `an MCP server is run by "openai" or "worker", not ${JSON.stringify(runBy)}`,
      "Leave run_by out for OpenAI",
    );
  }
  const wrong = isWorkerServer(tool) ? wrongServer(tool) : undefined;
  if (wrong === undefined) return;
  throw refusal(
    rules,
    wrong.at === "" ? at : `${at}.${wrong.at}`,
    wrong.why,
    "A server that the worker runs needs a server_label and a server_url",
  );
}

function functionName(tool: RequestTool): string | undefined {
  const { name } = tool;
  return tool.type === "function" && typeof name === "string" && name !== "" ? name : undefined;
}

function effectOf(tool: RequestTool, own: ReadonlyMap<string, OwnTool>, rules: SideEffects) {
  const name = functionName(tool) ?? tool.server_label ?? tool.type;
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  return rule ?? own.get(name)?.effect ?? "once";
}

/** A shell in one of OpenAI's containers. */
function isHosted({ environment }: RequestTool): boolean {
  return isRecord(environment) && environment["type"] !== "local";
}

function calledByPrograms(tool: RequestTool): boolean {
  const callers = tool["allowed_callers"];
  return Array.isArray(callers) && callers.includes("programmatic");
}

function refusal(
  { where }: Rules,
  at: string,
  why: string,
  hint: string,
): RequestError {
  return where === "request"
    ? new RequestError("invalid_request", `Cannot accept 'request.${at}': ${why}`, { hint })
    : new RequestError("invalid_profile", `Cannot use profile '${where.profile}': ${at}: ${why}`, {
      hint,
    });
}
