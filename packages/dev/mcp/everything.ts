import { fileURLToPath } from "node:url";
import { startUntilReady } from "../ready.ts";

const startLimitMs = 20_000;

/** The official "everything" MCP server, in a process of its own. */
export interface Everything {
  /** The MCP endpoint, http://127.0.0.1:<port>/mcp (streamable HTTP, with sessions). */
  url: string;
  pid: number;
  /** Ends the process by its pid and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts `@modelcontextprotocol/server-everything` over streamable HTTP with this same Deno.
 * Its lines of output go to `onLog`.
 *
 * @throws Error when it does not listen within 20 s, or the port asked for is taken
 */
export async function startEverything(
  options: { port?: number; onLog?: (line: string) => void } = {},
): Promise<Everything> {
  const port = freePort(options.port ?? 0);
  const entry = fileURLToPath(
    import.meta.resolve("@modelcontextprotocol/server-everything/dist/index.js"),
  );
  const server = await startUntilReady({
    name: "server-everything",
    command: Deno.execPath(),
    args: ["run", "-A", entry, "streamableHttp"],
    env: { PORT: String(port) },
    readyLine: "listening on port",
    timeoutMs: startLimitMs,
    ...(options.onLog && { onLine: options.onLog }),
  });
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    pid: server.pid,
    // It holds nothing that is worth a graceful end.
    stop: () => server.stop({ signal: "SIGKILL" }),
  };
}

/**
 * Takes `port` (0: any) for a moment and gives it back. The server cannot be given 0, and under Deno
 * it does not notice a port that another process listens on, so this is looked up before it starts.
 */
function freePort(port: number): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port });
  return listener.addr.port;
}
