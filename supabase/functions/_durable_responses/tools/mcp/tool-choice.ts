/** `tool_choice` of a request whose MCP servers became functions. */
import { isRecord } from "../../model/is-record.ts";
import type { RequestTool } from "../../model/request.ts";
import type { RunnableTool } from "../own/own-call.ts";

/**
 * Translates a choice of a worker's server into a choice of its functions. Anything else stays unchanged, including a tool
 * that is not listed: OpenAI's refusal names it.
 */
export function choiceOf(choice: unknown, tools: ReadonlyMap<string, RunnableTool>): unknown {
  if (!isRecord(choice)) return choice;
  if (choice["type"] === "allowed_tools" && Array.isArray(choice["tools"])) {
    const allowed = choice["tools"].flatMap((one) => functionsOf(one, tools) ?? [one]);
    return { ...choice, tools: allowed };
  }
  const functions = functionsOf(choice, tools);
  if (functions === undefined) return choice;
  const [only, ...more] = functions;
  return only !== undefined && more.length === 0
    ? only
    : { type: "allowed_tools", mode: "required", tools: functions };
}

/** The functions that an entry names; undefined for one that does not name a server of the worker. */
function functionsOf(
  entry: unknown,
  tools: ReadonlyMap<string, RunnableTool>,
): Pick<RequestTool, "type" | "name">[] | undefined {
  if (!isRecord(entry) || entry["type"] !== "mcp") return undefined;
  const { server_label: server, name } = entry;
  const meant = [...tools].filter(([, tool]) =>
    tool.server === server && (typeof name !== "string" || tool.tool === name)
  );
  return meant.length === 0 ? undefined : meant.map(([name]) => ({ type: "function", name }));
}
