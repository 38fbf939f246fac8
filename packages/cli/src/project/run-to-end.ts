/** Runs a program in this terminal until it ends. */
import { spawn } from "node:child_process";
import process from "node:process";
import { errorCode, Failure } from "../failure.ts";

/**
 * The program's exit code; undefined if there is no such command. Ctrl-C in a terminal reaches the child too, which ends in its own
 * way. SIGTERM, and SIGINT without a terminal, are passed on to it as SIGTERM.
 */
export function runToEnd(
  command: string,
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", env });
    const pass = () => void child.kill("SIGTERM");
    const wait = () => undefined;
    process.on("SIGTERM", pass);
    // In a terminal, Ctrl-C reaches the child as well.
    const interrupt = process.stdin.isTTY ? wait : pass;
    process.on("SIGINT", interrupt);
    const done = () => {
      process.off("SIGTERM", pass);
      process.off("SIGINT", interrupt);
    };
    child.once("error", (error) => {
      done();
      if (errorCode(error) === "ENOENT") resolve(undefined);
      else {reject(
          new Failure(`Cannot run '${command}': ${error.message}`, {
            cause: error,
          }),
        );}
    });
    child.once("exit", (code, signal) => {
      done();
      resolve(code ?? (signal === "SIGTERM" || signal === "SIGINT" ? 0 : 1));
    });
  });
}
