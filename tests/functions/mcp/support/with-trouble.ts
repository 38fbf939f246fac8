import type { McpServer } from "../../../../supabase/functions/_durable_responses/tools/mcp/server.ts";
import {
  McpSession,
  type SessionLimits,
} from "../../../../supabase/functions/_durable_responses/tools/mcp/session.ts";
import { startTroubleServer, type TroubleServer } from "./trouble-server.ts";

const hosts = new Set(["127.0.0.1"]);

interface Given {
  trouble: TroubleServer;
  session: McpSession;
  call: (
    name: string,
    args?: Record<string, unknown>,
    signal?: AbortSignal,
  ) => Promise<Record<string, unknown>>;
}

/** A server that fails as the test says, and a session with it. */
export async function withTrouble(
  run: (given: Given) => Promise<void>,
  server: Partial<McpServer> = {},
  { limits, ...options }: { resumable?: boolean; limits?: SessionLimits } = {},
): Promise<void> {
  const trouble = await startTroubleServer(options);
  const session = new McpSession(
    { label: "trouble", url: trouble.url, headers: {}, timeoutMs: 5_000, ...server },
    hosts,
    limits,
  );
  const never = new AbortController().signal;
  try {
    await run({
      trouble,
      session,
      call: (name, args = {}, signal = never) => session.call(name, args, { signal }),
    });
  } finally {
    await session.close();
    await trouble.stop();
  }
}

/** How often a tool was called. */
export function names(trouble: TroubleServer, name: string): number {
  return trouble.calls.filter((call) => call.name === name).length;
}
