/** `durable-responses worker`: runs the project's functions as a plain Deno process, with no wall clock. */
import { spawn } from "node:child_process";
import process from "node:process";
import { connect, type ConnectionOptions } from "../api/connection.ts";
import { errorCode, Failure } from "../failure.ts";
import { denoArguments, denoCommands, denoPackage } from "../project/deno.ts";
import { requireProject } from "../project/locate.ts";
import { readRelease } from "../project/release.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface WorkerOptions extends ConnectionOptions {
  /** The Deno to run; default: `deno` of PATH, else the npm package. */
  deno?: string;
  /** Print the command and end. */
  print?: boolean;
}

/** @returns the worker's exit code */
export async function worker(
  terminal: Terminal,
  options: WorkerOptions,
): Promise<number> {
  const supabase = await requireProject(options.cwd);
  const { folder } = await readRelease();
  const args = await denoArguments({
    supabase,
    template: folder,
    script: "worker/main.ts",
    permissions: ["--allow-net", "--allow-env"],
  });
  if (options.print) {
    terminal.out(["deno", ...args].map(quote).join(" "));
    return 0;
  }
  const { url, key, secrets } = await connect(terminal, options);
  const env = {
    ...secrets,
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEYS: secrets["SUPABASE_SECRET_KEYS"] ??
      JSON.stringify({ default: key }),
  };
  for (const [command, before] of await denoCommands(supabase, options.deno)) {
    const code = await runToEnd(command, [...before, ...args], env);
    if (code !== undefined) return code;
  }
  throw new Failure(
    `Cannot start the worker: '${options.deno ?? "deno"}' cannot be run`,
    {
      hint: `npm install --global ${denoPackage}, or see https://deno.com`,
    },
  );
}

/** Undefined when there is no such command. Ctrl-C reaches the child too, which drains; SIGTERM is passed on. */
function runToEnd(
  command: string,
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", env });
    const pass = () => void child.kill("SIGTERM");
    const wait = () => undefined;
    process.on("SIGTERM", pass);
    process.on("SIGINT", wait);
    const done = () => {
      process.off("SIGTERM", pass);
      process.off("SIGINT", wait);
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

function quote(argument: string): string {
  return /^[\w./:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
