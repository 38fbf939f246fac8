/** The project's functions: their environment, their profiles, and where their packages come from. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RemoteModules } from "../edge/command.ts";
import { functionNames } from "../edge/function-names.ts";
import { toldFault } from "../edge/load-faults.ts";
import { type EdgeRuntime, startEdge } from "../edge/runtime.ts";
import { startEsmSh } from "../esm-sh/server.ts";
import { freePort, usualPort } from "../ports.ts";
import { projectRoot } from "../postgres/binaries.ts";
import { bundleFunctions } from "./bundle.ts";
import { modulesOf } from "./import-maps.ts";
import type { StackOptions } from "./options.ts";
import type { StackParts } from "./parts.ts";

export interface FunctionsOptions {
  options: StackOptions;
  parts: StackParts;
  project: string;
  /** config.toml's import map of a function. */
  importMap: (name: string) => string | undefined;
  env: Readonly<Record<string, string>>;
  wallClockMs: number;
}

/** @throws Error if an option names a module that does not exist */
export function requireProfiles({ profiles }: StackOptions): void {
  if (profiles === undefined || existsSync(resolve(profiles))) return;
  throw new Error(`Cannot start the stack: 'profiles' must be a file, and '${profiles}' is none`);
}

export async function startFunctions(given: FunctionsOptions): Promise<EdgeRuntime> {
  const { options, parts, project, env, wallClockMs } = given;
  const functionsDir = join(project, "supabase", "functions");
  const profilesModule = join(functionsDir, "_shared", "profiles.ts");
  const replace = options.profiles === undefined
    ? {}
    : { [profilesModule]: resolve(options.profiles) };
  const bundled = options.packages === "bundled"
    ? await bundleFunctions({ functionsDir, replace })
    : undefined;
  const remote = await startPackages(given, functionsDir);
  const edge = await parts.add(startEdge({
    functionsDir,
    env,
    wallClockMs,
    ...(options.maxWorkers !== undefined && { maxWorkers: options.maxWorkers }),
    replace,
    ...(bundled !== undefined && { bundled }),
    ...(remote && { remote }),
    ...(options.onLog && { onLog: options.onLog }),
  }));
  if (comesFrom(given) === "project") {
    // So that their packages are fetched before the first request.
    const faults = await edge.loadFaults(functionNames(functionsDir));
    for (const fault of faults) options.onLog?.({ source: "functions", line: toldFault(fault) });
  }
  return edge;
}

/** This repository's own packages are installed, in the versions that its import map names: a check compares them. */
function comesFrom({ options, project }: FunctionsOptions) {
  return options.packages ?? (resolve(project) === projectRoot ? "node_modules" : "project");
}

async function startPackages(
  given: FunctionsOptions,
  functionsDir: string,
): Promise<((name: string) => RemoteModules) | undefined> {
  const { parts, project, importMap } = given;
  const packages = comesFrom(given);
  if (packages === "node_modules" || packages === "bundled") return undefined;
  if (typeof packages === "object") return () => packages;
  // The same in each run, since Deno keeps what it has fetched by its address.
  const esmSh = await parts.add(startEsmSh({ port: freePort(usualPort(project)) }));
  return (name) => modulesOf(name, { functionsDir, configured: importMap, esmShUrl: esmSh.url });
}
