/** Our tools that a request offers, by the names under which OpenAI knows them. */
import type { LeftCall } from "../../model/left-calls.ts";
import type { RequestBody, RequestTool } from "../../model/request.ts";
import type { Plan } from "../../profiles/plan.ts";
import type { OwnTool } from "../../profiles/own-tools.ts";
import type { EffectRules } from "../effect-rules.ts";
import { ToolsUnavailable } from "../mcp/tools-unavailable.ts";
import { unlistedTool } from "../mcp/unlisted-tool.ts";
import type { RunnableTool } from "./own-call.ts";
import { messageOf } from "../../platform/log.ts";

export interface RunnableTools {
  /** The request with everything that it offers. */
  body: RequestBody;
  /** The tool of a `function_call`'s name; undefined if it is not offered. */
  find(name: string): RunnableTool | undefined;
  /** Whether the caller makes calls of this tool. */
  isCallers(call: Pick<LeftCall, "kind" | "tool">): boolean;
  /** What an operator should know about tools that are not offered. */
  warnings: readonly string[];
  /** Ends the connections to servers without waiting long, whatever they do. */
  close(): Promise<void>;
}

/** How many tools OpenAI accepts in a request. */
const maxTools = 128;

/**
 * Everything that the plan offers, including tools of the worker's servers, which are asked for them. For a plan without
 * any, nothing that runs a tool is loaded.
 * @param effects learns what the tools say about themselves
 * @throws ToolsUnavailable
 */
export async function runnableTools(
  plan: Plan,
  effects: EffectRules,
  signal: AbortSignal,
): Promise<RunnableTools> {
  const declared = await declaredTools(plan, effects);
  if (plan.servers.length === 0) return declared;
  const { openServers, choiceOf } = await loadServers();
  const toolbox = await openServers(plan, effects, signal);
  try {
    const { tools = [], tool_choice: choice } = plan.body;
    const all = [...tools, ...toolbox.functions];
    refuseTooMany(all);
    return {
      ...declared,
      body: {
        ...plan.body,
        tools: all,
        ...(choice === undefined ? {} : { tool_choice: choiceOf(choice, toolbox.tools) }),
      },
      find: (name) => declared.find(name) ?? toolbox.tools.get(name),
      warnings: toolbox.warnings,
      close: () => toolbox.close(),
    };
  } catch (error) {
    await toolbox.close();
    throw error;
  }
}

async function loadServers() {
  try {
    return await import("../mcp/open-servers.ts");
  } catch (error) {
    throw new ToolsUnavailable(
      "tools_unavailable",
      `Cannot load the client for MCP servers: ${messageOf(error)}`,
    );
  }
}

/** The same for code that makes no call: no server is asked, and its tools are known only by name. */
export async function namedTools(plan: Plan, effects: EffectRules): Promise<RunnableTools> {
  const declared = await declaredTools(plan, effects);
  return { ...declared, find: (name) => declared.find(name) ?? unlistedTool(plan.servers, name) };
}

async function declaredTools(plan: Plan, effects: EffectRules): Promise<RunnableTools> {
  const tools = new Map<string, RunnableTool>();
  for (const declared of plan.own) tools.set(declared.name, await runnable(declared));
  for (const { server, tool, effect } of tools.values()) effects.declare(server, tool, effect);
  const callers = plan.callerTools;
  for (const { tool } of callers) effects.declare(null, tool, undefined);
  return {
    body: plan.body,
    find: (name) => tools.get(name),
    isCallers: ({ kind, tool }) => callers.some((own) => own.kind === kind && own.tool === tool),
    warnings: [],
    close: () => Promise.resolve(),
  };
}

/** With one tool too many, or two of the same name, OpenAI refuses the whole request. */
function refuseTooMany(tools: RequestTool[]): void {
  if (tools.length > maxTools) {
    throw new ToolsUnavailable(
      "too_many_tools",
      `Cannot offer ${tools.length} tools: a request can have at most ${maxTools}`,
    );
  }
  const names = tools.flatMap(({ type, name }) => type === "function" ? [name] : []);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new ToolsUnavailable(
      "invalid_profile",
      `Cannot offer two functions named '${twice}': one of them is a server's tool`,
    );
  }
}

async function runnable(declared: OwnTool): Promise<RunnableTool> {
  switch (declared.kind) {
    case "typescript": {
      const { functionTool } = await import("./function-tool.ts");
      return functionTool(declared);
    }
    case "sql": {
      const { postgresTool } = await import("./postgres-tool.ts");
      return postgresTool(declared);
    }
  }
}
