import { denoEnvironment } from "../child-environment.ts";
import { forward } from "../edge/proxy.ts";
import { foreignPage, wrongHost } from "../local-only.ts";
import { onFreePort, serveOn } from "../ports.ts";
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

/**
 * The same behind an address of ours, in a process that the first request starts: it takes a second of CPU, and few stacks are
 * ever asked for it. Who asks a server that cannot start is told so with 502.
 */
export function startEverythingOnDemand(
  { port = 0, onLog }: { port?: number; onLog?: (line: string) => void } = {},
): Pick<Everything, "url" | "stop"> {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const closing = new AbortController();
  let server: Promise<Everything> | undefined;
  const start = async () => {
    try {
      return await startEverything(onLog && { onLog });
    } catch (error) {
      // The next request tries again.
      server = undefined;
      throw error;
    }
  };
  const door = serveOn(port, async (request, info) => {
    const { method, headers, body } = request;
    const refusal = wrongHost(headers, door.addr.port) ?? foreignPage(headers, door.addr.port);
    if (refusal !== undefined) return new Response(refusal, { status: 403 });
    // A request of our own, as Deno aborts the signal of what it got after every response.
    const gone = new AbortController();
    info.completed.catch((reason) => gone.abort(reason));
    try {
      const { url } = await (server ??= start());
      const passedOn = new Request(url, { method, headers, body, signal: gone.signal });
      return await forward(passedOn, new URL(url).origin, { client });
    } catch (error) {
      const message = `Cannot ask server-everything: ${error}`;
      onLog?.(message);
      return new Response(message, { status: 502 });
    }
  }, closing.signal);
  return {
    url: `http://127.0.0.1:${door.addr.port}/mcp`,
    async stop() {
      closing.abort();
      await door.finished;
      // Whoever asked for one that could not start has been told.
      const [started] = await Promise.allSettled([server]);
      if (started.status === "fulfilled") await started.value?.stop();
      client.close();
    },
  };
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
