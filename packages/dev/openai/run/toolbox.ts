import type { ListedTool } from "../request/items.ts";
import { callersOwn } from "../model/history.ts";
import type { AvailableTool } from "../model/next-step.ts";
import { leftToolOf } from "../model/left-call.ts";
import { McpConnection } from "./mcp-connection.ts";
import type { Run } from "./run.ts";
import { listTools } from "./steps/list-tools.ts";
import { isAllowed, needsApproval } from "./tool-rules.ts";

interface ServerEntry {
  connection: McpConnection;
  tools: ListedTool[];
}

/** The MCP servers of one run: their tools and the connections to them. */
export class Toolbox {
  #servers = new Map<string, ServerEntry>();

  /**
   * Lists the tools of every server of the request. A list that is already in the input is not asked
   * for again, as at OpenAI.
   *
   * @throws RunFailure when a server cannot be reached
   */
  async open(run: Run): Promise<void> {
    for (const server of run.request.tools ?? []) {
      if (server.type !== "mcp") continue;
      const connection = new McpConnection(server);
      const entry: ServerEntry = { connection, tools: [] };
      this.#servers.set(server.server_label, entry);
      const known = run.input.findLast((item) =>
        item.type === "mcp_list_tools" && item.server_label === server.server_label
      );
      entry.tools = known?.type === "mcp_list_tools" && known.tools.length > 0
        ? known.tools.filter((tool) => isAllowed(tool, server))
        : await listTools(run, connection);
    }
  }

  /** @param run its request offers functions too, and other tools of whoever asks */
  available({ request }: Run): AvailableTool[] {
    const functions = (request.tools ?? []).flatMap((tool) => {
      const left = leftToolOf(tool);
      if (left === undefined) return [];
      const input_schema = tool.type === "function" ? tool.parameters : undefined;
      return [{ server: callersOwn, ...left, input_schema }];
    });
    const listed = [...this.#servers].flatMap(([server, { tools }]) =>
      tools.map(({ name, input_schema }) => ({ server, name, input_schema }))
    );
    return [...listed, ...functions];
  }

  connection(serverLabel: string): McpConnection {
    const entry = this.#servers.get(serverLabel);
    if (entry === undefined) {
      throw new Error(`Cannot call a tool: no server '${serverLabel}' in this run`);
    }
    return entry.connection;
  }

  needsApproval(serverLabel: string, toolName: string): boolean {
    const entry = this.#servers.get(serverLabel);
    const tool = entry?.tools.find((each) => each.name === toolName);
    return entry !== undefined && tool !== undefined &&
      needsApproval(tool, entry.connection.server);
  }

  /** Closes each connection once its calls have come back, or all when `now` is aborted. */
  async close(now: AbortSignal): Promise<void> {
    const connections = [...this.#servers.values()].map(({ connection }) => connection);
    await Promise.allSettled(connections.map((connection) => connection.close(now)));
  }
}
