/** The command line and environment that start a function's worker. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inherited } from "../child-environment.ts";
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
  const { remote, functionsDir } = options;
  return {
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-net",
      "--allow-env",
      `--allow-read=${[functionsDir, ...(remote ? [] : [modulesFolder()])].join(",")}`,
      ...moduleArguments(remote, options.replace),
      `--v8-flags=--max-old-space-size=${memoryLimitMb}`,
      `--preload=${bootstrap}`,
      join(functionsDir, options.name, "index.ts"),
    ],
    env: {
      ...inherited(runtimeVariables),
      NO_COLOR: "1",
      ...options.env,
      ...(remote?.cache !== undefined && { DENO_DIR: remote.cache }),
      SB_EXECUTION_ID: crypto.randomUUID(),
      [controlVariable]: options.controlAddress,
    },
  };
}

/** How Deno is told where a function's modules are: in node_modules, or where `remote` says. */
export function moduleArguments(
  remote: RemoteModules | undefined,
  replace: Record<string, string>,
): string[] {
  const replaced = Object.entries(replace).map(([from, to]) =>
    [pathToFileURL(from).href, pathToFileURL(to).href] as const
  );
  const imports = { ...remote?.imports, ...Object.fromEntries(replaced) };
  const importMap = JSON.stringify({ imports, scopes: remote?.scopes ?? {} });
  return [
    "--no-config",
    "--no-lock",
    ...(remote
      ? [`--allow-import=${hostsOf(remote).join(",")}`, "--node-modules-dir=none"]
      : ["--node-modules-dir=manual"]),
    `--import-map=data:application/json,${encodeURIComponent(importMap)}`,
  ];
}

/** What comes from npm needs no permission, and has no host. */
function hostsOf({ imports, scopes = {} }: RemoteModules): string[] {
  const addresses = [imports, ...Object.values(scopes)].flatMap((each) => Object.values(each));
  const hosts = addresses.map((address) => new URL(address).host).filter((host) => host !== "");
  return [...new Set([...usualHosts, ...hosts])];
}
