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

/** It is connected when a tool is first called. Its credentials are masked from now on. */
export function openServer(profile: Profile, label: string | null, signal: AbortSignal): OneServer {
  const server = serverOf(profile, label);
  let session: McpSession | undefined;
  const call = async (name: string, args: Record<string, unknown>) => {
    if (server === undefined) {
      throw new Error(
        label === null
          ? `Cannot call ${name}: the call in doubt is of one of the profile's own tools, which have no server`
          : `Cannot call ${name}: the profile has no server '${label}' with a server_url`,
      );
    }
    session ??= new McpSession(server, environment().mcpHosts);
    const { text, isError } = readResult(await session.call(name, args, { signal }));
    if (isError) throw new Error(`${name} failed: ${text}`);
    return text;
  };
  return {
    callTool(name, args) {
      const answer = call(name, args);
      // It still fails for whoever awaits it. If nobody does, a failure must not end the isolate and all its runs.
      answer.catch(() => undefined);
      return answer;
    },
    close: async () => await session?.close(),
  };
}

function serverOf({ tools = [] }: Profile, label: string | null): McpServer | undefined {
  const declared = tools.find((each) => each.type === "mcp" && each.server_label === label);
  const tool = toolSchema.safeParse(declared).data;
  return tool?.server_url ? plannedServer({ ...tool, ...resolveTools([tool])[0] }) : undefined;
}
