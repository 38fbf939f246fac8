/** The output of a program. */
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
 * Runs a program to its end, or ends it with SIGTERM after `timeoutMs`. Undefined if there is no such command.
 * @param env its whole environment. Default: ours
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
    // Not spawn's own timeout: if there is no such command, that keeps running, and so does this process.
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
