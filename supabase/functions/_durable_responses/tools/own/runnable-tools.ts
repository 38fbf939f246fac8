/** The tools of ours that a request offers, by the names under which OpenAI knows them. */
import type { RequestBody } from "../../model/request.ts";
import type { Plan } from "../../profiles/plan.ts";
import type { OwnTool } from "../../profiles/own-tools.ts";
import type { EffectRules } from "../effect-rules.ts";
import type { RunnableTool } from "./own-call.ts";

export interface RunnableTools {
  /** The request with all that is offered in it. */
  body: RequestBody;
  /** The tool of a `function_call`'s name; undefined for one that is not offered. */
  find(name: string): RunnableTool | undefined;
  /** Whether the caller makes calls of this name. */
  isCallers(name: string): boolean;
}

/**
 * What the plan offers. Nothing that runs a tool is loaded for a plan with none.
 * @param effects learns what the tools say of themselves
 */
export async function runnableTools(plan: Plan, effects?: EffectRules): Promise<RunnableTools> {
  const tools = new Map<string, RunnableTool>();
  for (const declared of plan.own) tools.set(declared.name, await runnable(declared));
  for (const { server, tool, effect } of tools.values()) effects?.declare(server, tool, effect);
  const callers = new Set(plan.callerTools);
  for (const name of callers) effects?.declare(null, name, undefined);
  return {
    body: plan.body,
    find: (name) => tools.get(name),
    isCallers: (name) => callers.has(name),
  };
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
