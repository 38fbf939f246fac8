import { denoEnvironment } from "../child-environment.ts";
import { onFreePort } from "../ports.ts";
import { moduleFile, modulesFolder } from "../packages.ts";
import { findDeno } from "../postgres/binaries.ts";
import type { RunningProcess } from "../processes.ts";
import { startUntilReady } from "../ready.ts";

const startLimitMs = 20_000;
const program = moduleFile(import.meta.url, "everything-server");

/** The official "everything" MCP server, in a process of its own. */
export interface Everything {
  /** The MCP endpoint, http://127.0.0.1:<port>/mcp (streamable HTTP, with sessions). */
  url: string;
  pid: number;
  /** Ends the process by its pid and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts the tools of `@modelcontextprotocol/server-everything` over streamable HTTP with this same Deno. The process has no
 * environment of ours, and may use the network on its own port and read its own packages, nothing else. Its lines of output
 * go to `onLog`.
 *
 * @throws Error when it does not listen within 20 s, or the port asked for is taken
 */
export async function startEverything(
  options: { port?: number; onLog?: (line: string) => void } = {},
): Promise<Everything> {
  const start = async (port: number) => {
    const server = await launch(port, options.onLog);
    return {
      url: `http://127.0.0.1:${port}/mcp`,
      pid: server.pid,
      // It holds nothing that is worth a graceful end.
      stop: () => server.stop({ signal: "SIGKILL" }),
    };
  };
  return options.port === undefined ? await onFreePort(start) : await start(options.port);
}

function launch(port: number, onLog?: (line: string) => void): Promise<RunningProcess> {
  return startUntilReady({
    name: "server-everything",
    command: findDeno(),
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-env",
      `--allow-net=127.0.0.1:${port}`,
      `--allow-read=${modulesFolder()}`,
      "--no-config",
      "--no-lock",
      "--node-modules-dir=manual",
      program,
      String(port),
    ],
    env: denoEnvironment({ NO_COLOR: "1" }),
    readyLine: "listening on port",
    timeoutMs: startLimitMs,
    ...(onLog && { onLine: onLog }),
  });
}
