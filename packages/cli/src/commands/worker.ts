/** `durable-responses worker`: runs the project's functions as a plain Deno process, with no wall clock. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { connect, type ConnectionOptions } from "../api/connection.ts";
import { errorCode, Failure } from "../failure.ts";
import { readText, requireProject } from "../project/locate.ts";
import { importMapFile, readRelease } from "../project/release.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface WorkerOptions extends ConnectionOptions {
  /** The Deno to run; default: `deno` of PATH, else the npm package. */
  deno?: string;
  /** Print the command and end. */
  print?: boolean;
}

/** The Deno that the worker is tested with. */
const denoPackage = "deno@2.9.6";
const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });

/** @returns the worker's exit code */
export async function worker(
  terminal: Terminal,
  options: WorkerOptions,
): Promise<number> {
  const supabase = await requireProject(options.cwd);
  const { folder } = await readRelease();
  const importMap = await workerImports(supabase, folder);
  const args = [
    "run",
    "--quiet",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    "--allow-net",
    "--allow-env",
    `--import-map=data:application/json,${encodeURIComponent(JSON.stringify(importMap))}`,
    join(folder, "scripts", "worker", "main.ts"),
  ];
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
  const commands: [string, string[]][] = options.deno
    ? [[options.deno, []]]
    : [["deno", []], ["npx", ["--yes", denoPackage]]];
  for (const [command, before] of commands) {
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

/**
 * The import map under which the package's scripts/worker/main.ts runs the project's own functions and profiles. Packages come from
 * npm, in the versions that the functions have: a worker that runs for weeks need not lean on a CDN to start.
 */
async function workerImports(supabase: string, folder: string) {
  const text = await readText(join(supabase, importMapFile));
  if (text === undefined) {
    throw new Failure(
      "Cannot start the worker: the project has no functions of ours",
      { hint: "npx durable-responses init" },
    );
  }
  const { imports } = importMapSchema.parse(JSON.parse(text));
  const fromNpm = Object.entries(imports).map(([name, url]) => {
    // What follows the version says which versions of its dependencies esm.sh gives it; npm sees to that itself.
    const [, wanted, path] =
      url.match(/^https:\/\/esm\.sh\/((?:@[^/]+\/)?[^/@]+@[^/?&]+)(?:[?&][^/]*)?(\/?)$/) ?? [];
    return [
      name,
      wanted === undefined ? url : `npm:${path}${wanted}${path}`,
    ] as const;
  });
  const theirs = `${pathToFileURL(join(supabase, "functions")).href}/`;
  const ours = `${pathToFileURL(join(folder, "supabase", "functions")).href}/`;
  return { imports: { ...Object.fromEntries(fromNpm), [ours]: theirs } };
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
