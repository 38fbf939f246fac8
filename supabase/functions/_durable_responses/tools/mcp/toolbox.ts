/** The tools of all MCP servers that the worker calls, for one run. Loaded by the first run that has such a server. */
import type { FailureCode } from "../../model/failure.ts";
import type { Item } from "../../model/items.ts";
import type { RequestTool } from "../../model/request.ts";
import type { RunnableTool } from "../own/own-call.ts";
import { runnableTool } from "./call.ts";
import type { ListedTool } from "./listed-tool.ts";
import { CallRefused, type McpServer } from "./server.ts";
import { McpSession, type ToolList } from "./session.ts";
import { toolListOf } from "./tool-lists.ts";
import { functionName } from "./tool-names.ts";
import { ToolsUnavailable } from "./tools-unavailable.ts";
import { messageOf } from "../../platform/log.ts";

/** A server, and what the request says about its tools. */
export interface Served {
  server: McpServer;
  /** Whether a tool may be offered, by `allowed_tools`. */
  allows: (tool: ListedTool) => boolean;
  needsApproval: (tool: string, args: string) => Promise<boolean>;
}

export interface McpToolbox {
  /** By the names under which OpenAI knows them. */
  readonly tools: ReadonlyMap<string, RunnableTool>;
  /** Their definitions in the form of a request. */
  readonly functions: readonly RequestTool[];
  /** The servers' lists, in the form that OpenAI uses for a list. */
  readonly lists: readonly Item[];
  readonly warnings: readonly string[];
  /** Ends the sessions without waiting long, whatever the servers do. */
  close(): Promise<void>;
}

/**
 * Lists the tools of all servers, from the cache if it is fresh.
 * @throws ToolsUnavailable
 */
export async function openToolbox(
  servers: readonly Served[],
  hosts: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<McpToolbox> {
  const sessions = servers.map(({ server }) => new McpSession(server, hosts));
  const close = async () => {
    await Promise.all(sessions.map((session) => session.close()));
  };
  try {
    const opened = await Promise.all(
      servers.map((served, index) => open(served, sessions[index], signal)),
    );
    return { ...join(opened), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Opened {
  tools: { name: string; listed: ListedTool; runnable: RunnableTool }[];
  list: Item;
  warnings: string[];
}

async function open(
  { server, allows, needsApproval }: Served,
  session: McpSession | undefined,
  signal: AbortSignal,
): Promise<Opened> {
  if (session === undefined) throw new TypeError(`Cannot open ${server.label}: it has no session`);
  const { tools, warnings } = await listOf(server, session, signal);
  const offered = tools.filter(allows);
  return {
    tools: await Promise.all(offered.map(async (listed) => ({
      name: await functionName(server.label, listed.name),
      listed,
      runnable: runnableTool(
        server.label,
        listed,
        session,
        (args) => needsApproval(listed.name, args),
      ),
    }))),
    list: listItem(server.label, offered),
    warnings,
  };
}

async function listOf(
  server: McpServer,
  session: McpSession,
  signal: AbortSignal,
): Promise<ToolList> {
  try {
    return await toolListOf(server, () => session.listTools(signal), signal);
  } catch (error) {
    const message = messageOf(error);
    throw new ToolsUnavailable(
      codeOf(error),
      `Cannot list the tools of ${server.label}: ${message}`,
    );
  }
}

/** Only a refused credential or a refused address is permanent. Anything else may pass. */
function codeOf(error: unknown): FailureCode {
  if (!(error instanceof CallRefused)) return "tools_unavailable";
  if (error.addressRefused) return "mcp_address_refused";
  return error.status === 401 || error.status === 403 ? "tools_refused" : "tools_unavailable";
}

function join(opened: Opened[]): Omit<McpToolbox, "close"> {
  const all = opened.flatMap(({ tools }) => tools);
  return {
    tools: new Map(all.map(({ name, runnable }) => [name, runnable])),
    functions: all.map(({ name, listed }) => ({
      type: "function",
      name,
      description: listed.description,
      parameters: listed.inputSchema,
      // Servers' schemas are not in the strict form, and the server checks what it gets.
      strict: false,
    })),
    lists: opened.map(({ list }) => list),
    warnings: opened.flatMap(({ warnings }) => warnings),
  };
}

function listItem(server: string, tools: ListedTool[]): Item {
  return {
    type: "mcp_list_tools",
    server_label: server,
    tools: tools.map(({ name, description, inputSchema, annotations }) => ({
      name,
      description,
      input_schema: inputSchema,
      annotations,
    })),
    error: null,
  };
}
