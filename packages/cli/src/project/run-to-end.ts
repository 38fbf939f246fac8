/** Runs a program in this terminal until it ends. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { Failure } from "../failure.ts";

/** How soon a parent that is gone is noticed, in ms. */
const lookForParentMs = 500;
const passedOn = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The program's exit code, or as in a shell, 128 plus the number of the signal that ended it. Signals to this process are
 * passed on, and the program ends in its own way.
 */
export function runToEnd(
  command: string,
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", env });
    const inTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
    const pass = (signal: NodeJS.Signals) => {
      // In a terminal, Ctrl-C reaches the program too. Passed on, it would look like a second one, from an impatient person.
      if (signal !== "SIGINT" || !inTerminal) child.kill(signal);
    };
    for (const signal of passedOn) process.on(signal, pass);
    const parent = isOfNpm() ? whenParentIsGone(() => child.kill("SIGTERM")) : undefined;
    const done = () => {
      clearInterval(parent);
      passedOn.forEach((signal) => process.off(signal, pass));
    };
    child.once("error", (cause) => {
      done();
      reject(new Failure(`Cannot run '${command}': ${cause.message}`, { cause }));
    });
    child.once("exit", (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Whether `npx`, `npm run` or another package manager has started this process. */
function isOfNpm(): boolean {
  return process.env["npm_config_user_agent"] !== undefined;
}

/**
 * npm sends SIGTERM to the shell between itself and this process. The shell ends without passing it on, and so does npm. Without
 * npm, a parent that is gone means nothing: `durable-responses dev &` is to outlive its terminal.
 */
function whenParentIsGone(act: () => void): NodeJS.Timeout {
  const parent = process.ppid;
  return setInterval(() => {
    if (process.ppid !== parent) act();
  }, lookForParentMs);
}
