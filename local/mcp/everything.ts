import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const START_LIMIT_MS = 20_000;

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
  return await startOn(port, options.onLog ?? (() => {}));
}

async function startOn(port: number, onLog: (line: string) => void): Promise<Everything> {
  const entry = fileURLToPath(
    import.meta.resolve("@modelcontextprotocol/server-everything/dist/index.js"),
  );
  const child = spawn(Deno.execPath(), ["run", "-A", entry, "streamableHttp"], {
    env: { ...Deno.env.toObject(), PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const verdict = await new Promise<"listening" | "ended" | "silent">((resolve) => {
    timer = setTimeout(() => resolve("silent"), START_LIMIT_MS);
    exited.then(() => resolve("ended"));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        onLog(line);
        if (line.includes("listening on port")) resolve("listening");
      });
    }
  });
  clearTimeout(timer);
  if (verdict === "listening" && child.pid !== undefined) {
    return { url: `http://127.0.0.1:${port}/mcp`, pid: child.pid, stop };
  }
  await stop();
  throw new Error(
    `Cannot start server-everything: it must listen within ${START_LIMIT_MS} ms, but it is ${verdict}`,
  );
}

/**
 * Takes `port` (0: any) for a moment and gives it back. The server cannot be given 0, and under Deno
 * it does not notice a port that another process listens on, so this is looked up before it starts.
 */
function freePort(port: number): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port });
  return listener.addr.port;
}
