/** One of a profile's MCP servers, asked by the worker itself, whoever makes the profile's calls. */
import { toolSchema } from "../../model/request.ts";
import { environment } from "../../platform/environment.ts";
import { plannedServer } from "../../profiles/mcp-server.ts";
import type { Profile } from "../../profiles/profile.ts";
import { resolveTools } from "../../profiles/secret-references.ts";
import type { McpServer } from "./server.ts";
import { McpSession } from "./session.ts";
import { readResult } from "./tool-output.ts";

export interface OneServer {
  /**
   * Calls a tool and returns its answer as text.
   * @throws if the profile has no such server with an address, if the call fails, and if the tool says that it failed
   */
  callTool(name: string, args: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** It is connected when a tool is first called. */
export function openServer(profile: Profile, label: string | null, signal: AbortSignal): OneServer {
  let session: McpSession | undefined;
  return {
    async callTool(name, args) {
      session ??= new McpSession(serverOf(profile, label), environment().mcpHosts);
      const { text, isError } = readResult(await session.call(name, args, { signal }));
      if (isError) throw new Error(`${name} failed: ${text}`);
      return text;
    },
    close: async () => await session?.close(),
  };
}

function serverOf({ tools = [] }: Profile, label: string | null): McpServer {
  const declared = tools.find((each) => each.type === "mcp" && each.server_label === label);
  const tool = toolSchema.safeParse(declared).data;
  if (!tool?.server_url) {
    throw new Error(
      label === null
        ? "Cannot call a tool: the call in doubt is of one of the profile's own tools, which have no server"
        : `Cannot call a tool: the profile has no server '${label}' with a server_url`,
    );
  }
  return plannedServer({ ...tool, ...resolveTools([tool])[0] });
}
