/** Tools that are refused before anything is accepted: those that nothing would run, and those that could act twice. */
import { kindOfCalls, type LeftCall, nameOfTool } from "../model/left-calls.ts";
import type { RequestTool } from "../model/request.ts";
import type { SideEffects } from "../model/step.ts";
import { RequestError } from "../platform/errors.ts";
import { isWorkerServer, wrongServer } from "./mcp-server.ts";
import type { OwnTool } from "./own-tools.ts";

/** A tool that the caller runs. */
export type CallersTool = Pick<LeftCall, "kind" | "tool">;

interface Rules {
  own: readonly OwnTool[];
  effects: SideEffects;
  /** The profile's name, or "request" for a whole request. */
  where: { profile: string } | "request";
}

/**
 * @returns the tools that the caller runs
 * @throws RequestError `invalid_profile`, or `invalid_request` for a whole request
 */
export function refuseTools(tools: readonly RequestTool[], rules: Rules): CallersTool[] {
  const own = new Map(rules.own.map((tool) => [tool.name, tool]));
  const named = new Set<string>();
  for (const [at, tool] of tools.entries()) {
    refuseTool(tool, `tools[${at}]`, own, rules);
    const name = leftToolOf(tool)?.tool;
    if (name === undefined) continue;
    if (named.has(name)) {
      const what = tool.type === "function" ? "functions" : "tools";
      throw refusal(rules, `tools[${at}]`, `there are two ${what} named '${name}'`, "Rename one");
    }
    named.add(name);
  }
  refuseTwoOfALabel(tools, rules);
  return tools.flatMap((tool) => tool["run_by"] === "caller" ? leftToolOf(tool) ?? [] : []);
}

/**
 * Rules, approvals and results identify a server by its label, whoever calls it. With two of a label, a call at one would be
 * judged by what the other allows.
 */
function refuseTwoOfALabel(tools: readonly RequestTool[], rules: Rules): void {
  const labels = new Set<string>();
  for (const [at, { type, server_label: label }] of tools.entries()) {
    if (type !== "mcp" || label === undefined) continue;
    if (labels.has(label)) {
      throw refusal(rules, `tools[${at}]`, `there are two servers named '${label}'`, "Rename one");
    }
    labels.add(label);
  }
}

function refuseTool(
  tool: RequestTool,
  at: string,
  own: ReadonlyMap<string, OwnTool>,
  rules: Rules,
): void {
  const runBy = tool["run_by"];
  const left = leftToolOf(tool);
  if (left?.tool === "") {
    const what = tool.type === "function" ? "function" : "custom tool";
    throw refusal(rules, at, `a ${what} needs a name`, "Give it one");
  }
  if (left !== undefined && runBy !== "caller") refuseUnrun(tool, left, at, own, rules);
  if (tool.type === "mcp") refuseServer(tool, at, rules);
  else if (runBy !== undefined && left === undefined) {
    throw refusal(
      rules,
      at,
      `OpenAI runs this tool of the type '${tool.type}' itself, so it has no run_by`,
      tool.type === "shell"
        ? 'Leave it out. A shell of the caller has the environment {type: "local"}'
        : "Leave it out",
    );
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

/** Refuses a tool that OpenAI leaves to others, if it is none of ours. */
function refuseUnrun(
  { type }: RequestTool,
  { kind, tool: name }: CallersTool,
  at: string,
  own: ReadonlyMap<string, OwnTool>,
  rules: Rules,
): void {
  if (kind === "function_call") {
    if (own.has(name)) return;
    throw refusal(
      rules,
      at,
      `nothing runs the function '${name}'`,
      'Declare it with tool() or sqlTool() in a profile, or give it run_by: "caller" and answer its calls yourself',
    );
  }
  if (kind === "shell_call") {
    throw refusal(
      rules,
      at,
      "nothing here runs a shell of the caller",
      'Give it an environment at OpenAI, {type: "container_auto"}, or run_by: "caller" and answer its calls yourself',
    );
  }
  throw refusal(
    rules,
    at,
    `OpenAI leaves tools of the type '${type}' to the caller, and nothing here runs them`,
    'Give it run_by: "caller" and answer its calls yourself, or offer the same as tool()',
  );
}

/** The tool if its calls are left to others. */
function leftToolOf(tool: RequestTool): CallersTool | undefined {
  const kind = kindOfCalls(tool);
  return kind && { kind, tool: nameOfTool(kind, tool["name"]) };
}

function effectOf(tool: RequestTool, own: ReadonlyMap<string, OwnTool>, rules: SideEffects) {
  const name = leftToolOf(tool)?.tool ?? tool.server_label ?? tool.type;
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  return rule ?? own.get(name)?.effect ?? "once";
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
    ? new RequestError("invalid_request", `Cannot accept '${at}' of the request: ${why}`, {
      hint,
      param: at,
    })
    : new RequestError("invalid_profile", `Cannot use profile '${where.profile}': ${at}: ${why}`, {
      hint,
    });
}
