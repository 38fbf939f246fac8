/** What a program prints until it ends. */
import { spawn } from "node:child_process";
import { errorCode, Failure } from "../failure.ts";

export interface Output {
  stdout: string;
  stderr: string;
  /** Null if a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Ends it with SIGTERM after `timeoutMs`. Undefined if there is no such command.
 * @param env its whole environment; by default ours
 */
export function outputOf(
  command: string,
  args: string[],
  { timeoutMs, env }: {
    timeoutMs: number;
    env?: Readonly<Record<string, string | undefined>>;
  },
): Promise<Output | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...(env && { env }) });
    // Not spawn's own timeout, which goes on, and keeps us from ending, if there is no such command.
    const timer = setTimeout(() => child.kill(), timeoutMs);
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => output.stderr += text);
    child.once("error", (cause) => {
      clearTimeout(timer);
      if (errorCode(cause) === "ENOENT") resolve(undefined);
      else reject(new Failure(`Cannot run '${command}': ${cause.message}`, { cause }));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ ...output, code, signal });
    });
  });
}
