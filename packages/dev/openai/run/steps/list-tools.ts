import { toolServerFailed } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { ListedTool } from "../../request/items.ts";
import { untilAborted } from "../../wait.ts";
import { RunFailure } from "../failure.ts";
import type { McpConnection } from "../mcp-connection.ts";
import type { Run } from "../run.ts";
import { isAllowed } from "../tool-rules.ts";

/**
 * Asks a server for its tools, as an mcp_list_tools item. Returns those that the request allows.
 *
 * @throws RunFailure when the server cannot be reached or refuses
 */
export async function listTools(run: Run, connection: McpConnection): Promise<ListedTool[]> {
  const { server } = connection;
  const id = newId("mcpl");
  const shape = { type: "mcp_list_tools", id, server_label: server.server_label } as const;
  const output_index = run.openItem({ ...shape, tools: [] });
  const at = { item_id: id, output_index };
  run.emit({ type: "response.mcp_list_tools.in_progress", ...at });
  const settled = new AbortController();
  const listed = await Promise.race([
    connection.listTools().catch((error: unknown) => asError(error)),
    untilAborted(AbortSignal.any([run.signal, settled.signal])),
  ]).finally(() => settled.abort());
  if (listed instanceof Error) {
    run.emit({ type: "response.mcp_list_tools.failed", ...at });
    run.closeItem(output_index, { ...shape, tools: [], error: listed.message });
    throw RunFailure.of(
      toolServerFailed(
        server.server_label,
        "retrieving tool list from",
        "Http status code: 424 (Failed Dependency)",
      ),
    );
  }
  const tools = listed.filter((tool) => isAllowed(tool, server));
  run.emit({ type: "response.mcp_list_tools.completed", ...at });
  run.closeItem(output_index, {
    ...shape,
    tools: tools.map((tool) => ({
      name: tool.name,
      description: tool.description ?? null,
      input_schema: tool.input_schema,
      annotations: tool.annotations ?? null,
    })),
  });
  return tools;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
