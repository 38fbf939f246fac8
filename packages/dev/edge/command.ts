/** The command line and environment that start a function's worker. */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { controlVariable, runtimeVariables } from "./channel.ts";

/** V8's old space in MiB: the platform's memory limit of a worker. */
const memoryLimitMb = 256;
const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));
const bootstrap = fileURLToPath(new URL("bootstrap.ts", import.meta.url));

/** An import map for bare names, in place of node_modules: how functions run where they are deployed. */
export interface RemoteModules {
  imports: Record<string, string>;
  /** By folder or file, as a URL: what counts for its imports before those above. */
  scopes?: Record<string, Record<string, string>>;
  /** Where Deno keeps what it has fetched, as DENO_DIR. */
  cache: string;
}

export interface WorkerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * How to start the worker of `functionsDir/name/index.ts`.
 *
 * Bare names resolve from node_modules, or as `remote` says; `replace` maps absolute module paths to the modules that take
 * their place. The function may use the network, its environment and read its own files, nothing else.
 */
export function workerCommand(options: {
  functionsDir: string;
  name: string;
  env: Record<string, string>;
  replace: Record<string, string>;
  remote: RemoteModules | undefined;
  controlAddress: string;
}): WorkerCommand {
  const { remote } = options;
  const imports = {
    ...remote?.imports,
    ...Object.fromEntries(
      Object.entries(options.replace).map(([from, to]) => [fileUrl(from), fileUrl(to)]),
    ),
  };
  const importMap = encodeURIComponent(JSON.stringify({ imports, scopes: remote?.scopes ?? {} }));
  return {
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-net",
      "--allow-env",
      ...(remote
        ? withRemoteModules(options.functionsDir, remote)
        : withNodeModules(options.functionsDir)),
      `--v8-flags=--max-old-space-size=${memoryLimitMb}`,
      `--import-map=data:application/json,${importMap}`,
      `--preload=${bootstrap}`,
      join(options.functionsDir, options.name, "index.ts"),
    ],
    env: {
      ...runtimeEnvironment(),
      ...options.env,
      ...(remote && { DENO_DIR: remote.cache }),
      SB_EXECUTION_ID: crypto.randomUUID(),
      [controlVariable]: options.controlAddress,
    },
  };
}

function withNodeModules(functionsDir: string): string[] {
  return [
    `--allow-read=${functionsDir},${join(projectRoot, "node_modules")}`,
    `--config=${join(projectRoot, "deno.json")}`,
  ];
}

function withRemoteModules(
  functionsDir: string,
  { imports, scopes = {} }: RemoteModules,
): string[] {
  const addresses = [imports, ...Object.values(scopes)].flatMap((each) => Object.values(each));
  // What comes from npm needs no permission, and has no host.
  const hosts = new Set(addresses.map((address) => new URL(address).host));
  const named = [...hosts].filter((host) => host !== "");
  return [
    `--allow-read=${functionsDir}`,
    ...(named.length > 0 ? [`--allow-import=${named.join(",")}`] : []),
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
  ];
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
