/** Whether a server that the worker calls can be reached now, from where the function runs. */
import { environment } from "../../platform/environment.ts";
import { messageOf } from "../../platform/log.ts";
import { redact } from "../../platform/redact.ts";
import type { PlannedServer } from "../../profiles/mcp-server.ts";
import { McpSession } from "./session.ts";

export type Probe = { tools: number; warnings: string[] } | { error: string };

/** Asks a server for its tools, whatever is cached. */
export async function probeServer(server: PlannedServer, signal: AbortSignal): Promise<Probe> {
  const session = new McpSession(server, environment().mcpHosts);
  try {
    const { tools, warnings } = await session.listTools(signal);
    return { tools: tools.length, warnings };
  } catch (error) {
    return { error: redact(messageOf(error)) };
  } finally {
    await session.close();
  }
}
