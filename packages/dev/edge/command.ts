/** The command line and environment that start a function's worker. */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { controlVariable, runtimeVariables } from "./channel.ts";

/** V8's old space in MiB: the platform's memory limit of a worker. */
const memoryLimitMb = 256;
const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));
const bootstrap = fileURLToPath(new URL("bootstrap.ts", import.meta.url));

export interface WorkerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * How to start the worker of `functionsDir/name/index.ts`.
 *
 * Bare names resolve from node_modules; `replace` maps absolute module paths to the modules that take
 * their place. The function may use the network, its environment and read its own files, nothing else.
 */
export function workerCommand(options: {
  functionsDir: string;
  name: string;
  env: Record<string, string>;
  replace: Record<string, string>;
  controlAddress: string;
}): WorkerCommand {
  const imports = Object.fromEntries(
    Object.entries(options.replace).map(([from, to]) => [fileUrl(from), fileUrl(to)]),
  );
  const importMap = encodeURIComponent(JSON.stringify({ imports }));
  return {
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-net",
      "--allow-env",
      `--allow-read=${options.functionsDir},${join(projectRoot, "node_modules")}`,
      `--v8-flags=--max-old-space-size=${memoryLimitMb}`,
      `--config=${join(projectRoot, "deno.json")}`,
      `--import-map=data:application/json,${importMap}`,
      `--preload=${bootstrap}`,
      join(options.functionsDir, options.name, "index.ts"),
    ],
    env: {
      ...runtimeEnvironment(),
      ...options.env,
      SB_EXECUTION_ID: crypto.randomUUID(),
      [controlVariable]: options.controlAddress,
    },
  };
}

function fileUrl(path: string): string {
  return pathToFileURL(path).href;
}

function runtimeEnvironment(): Record<string, string> {
  const inherited = runtimeVariables.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(inherited), NO_COLOR: "1" };
}
