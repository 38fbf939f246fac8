/** Starting a server process and waiting for the line in which it says that it is ready. */
import { type ProcessOptions, type RunningProcess, startProcess } from "./processes.ts";

export interface ReadyOptions extends ProcessOptions {
  /** Part of the line that says so. */
  readyLine: string;
  /** How long it may take, in ms. */
  timeoutMs: number;
}

/** The process ended, or was not ready in time and was ended; `lines` are its last 20. */
export class NotReadyError extends Error {
  constructor(message: string, readonly lines: string) {
    super(`${message}\n${lines}`);
  }

  /** Another program has the port. */
  get portTaken(): boolean {
    return this.lines.includes("in use");
  }
}

/** Resolves when the line has come. Throws NotReadyError if the process ends before, or after `timeoutMs`. */
export async function startUntilReady(options: ReadyOptions): Promise<RunningProcess> {
  const lines: string[] = [];
  const ready = Promise.withResolvers<"ready">();
  const server = startProcess({
    ...options,
    onLine(line, stream) {
      lines.push(line);
      if (lines.length > 20) lines.shift();
      if (line.includes(options.readyLine)) ready.resolve("ready");
      options.onLine?.(line, stream);
    },
  });
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), options.timeoutMs);
  const outcome = await Promise.race([ready.promise, late.promise, server.exited]);
  clearTimeout(timer);
  if (outcome === "ready") return server;
  const { name, timeoutMs } = options;
  if (outcome === "late") {
    await server.stop({ signal: "SIGKILL" });
    throw new NotReadyError(
      `Cannot start '${name}': it was not ready within ${timeoutMs} ms`,
      lines.join("\n"),
    );
  }
  throw new NotReadyError(
    `Cannot start '${name}': it ended with code ${outcome.code}`,
    lines.join("\n"),
  );
}
