/** The command line and environment that start a function's worker. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { moduleFile, modulesFolder } from "../packages.ts";
import { controlVariable, runtimeVariables } from "./channel.ts";

/** V8's old space in MiB: the platform's memory limit of a worker. */
const memoryLimitMb = 256;
const bootstrap = moduleFile(import.meta.url, "bootstrap");
/** From where Deno takes modules when nobody says otherwise; naming one host more takes the place of these. */
const usualHosts = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];

/** An import map for bare names, in place of node_modules: how functions run where they are deployed. */
export interface RemoteModules {
  imports: Record<string, string>;
  /** By folder or file, as a URL: what counts for its imports before those above. */
  scopes?: Record<string, Record<string, string>>;
  /** Where Deno keeps what it has fetched, as DENO_DIR; its usual place when left out. */
  cache?: string;
}

export interface WorkerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * How to start the worker of `functionsDir/name/index.ts`, or of its bundle `bundled/name/index.mjs`.
 *
 * Bare names resolve from node_modules, or as `remote` says; `replace` maps absolute module paths to the modules that take
 * their place. In a bundle both has been done. The function may use the network, its environment and read its own files, nothing
 * else.
 */
export function workerCommand(options: {
  functionsDir: string;
  name: string;
  env: Record<string, string>;
  replace: Record<string, string>;
  bundled: string | undefined;
  remote: RemoteModules | undefined;
  controlAddress: string;
}): WorkerCommand {
  const { remote, bundled, functionsDir, name } = options;
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
      ...(bundled !== undefined
        ? withoutModules(bundled)
        : remote
        ? withRemoteModules(functionsDir, remote)
        : withNodeModules(functionsDir)),
      `--v8-flags=--max-old-space-size=${memoryLimitMb}`,
      `--import-map=data:application/json,${importMap}`,
      `--preload=${bootstrap}`,
      bundled === undefined
        ? join(functionsDir, name, "index.ts")
        : join(bundled, name, "index.mjs"),
    ],
    env: {
      ...runtimeEnvironment(),
      ...options.env,
      ...(remote?.cache !== undefined && { DENO_DIR: remote.cache }),
      SB_EXECUTION_ID: crypto.randomUUID(),
      [controlVariable]: options.controlAddress,
    },
  };
}

function withoutModules(bundled: string): string[] {
  return [`--allow-read=${bundled}`, "--no-config", "--no-lock", "--no-npm"];
}

function withNodeModules(functionsDir: string): string[] {
  return [
    `--allow-read=${functionsDir},${modulesFolder()}`,
    "--no-config",
    "--no-lock",
    "--node-modules-dir=manual",
  ];
}

function withRemoteModules(functionsDir: string, modules: RemoteModules): string[] {
  return [`--allow-read=${functionsDir}`, ...remoteArguments(modules)];
}

/** How Deno is told to take packages from where an import map says, and not from a node_modules. */
export function remoteArguments({ imports, scopes = {} }: RemoteModules): string[] {
  const addresses = [imports, ...Object.values(scopes)].flatMap((each) => Object.values(each));
  // What comes from npm needs no permission, and has no host.
  const hosts = new Set(addresses.map((address) => new URL(address).host));
  const named = [...hosts].filter((host) => host !== "");
  return [
    `--allow-import=${[...new Set([...usualHosts, ...named])].join(",")}`,
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
