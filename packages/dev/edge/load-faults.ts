/**
 * Whether functions can be loaded, found out without running them: Deno reads their modules, and fetches those that are missing, so
 * that no worker is killed while it waits for a download.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { denoEnvironment, inherited } from "../child-environment.ts";
import { messageOf } from "../message-of.ts";
import { RunFailure, runProcess } from "../processes.ts";
import { moduleArguments, type RemoteModules } from "./command.ts";

const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

export interface LoadOptions {
  functionsDir: string;
  replace: Record<string, string>;
  /** Throws if the function's import map cannot be read. */
  remote: ((name: string) => RemoteModules) | undefined;
}

/** Functions that cannot be loaded: they answer 503 until that is fixed. */
export interface LoadFault {
  names: string[];
  /** With the place. */
  why: string;
}

export async function loadFaults(names: string[], options: LoadOptions): Promise<LoadFault[]> {
  const faults = new Map<string, string[]>();
  const add = (why: string, name: string) => faults.set(why, [...faults.get(why) ?? [], name]);
  const groups = new Map<string, { names: string[]; modules: RemoteModules | undefined }>();
  for (const name of names) {
    try {
      const modules = options.remote?.(name);
      const key = JSON.stringify(modules ?? null);
      groups.set(key, { modules, names: [...groups.get(key)?.names ?? [], name] });
    } catch (error) {
      add(messageOf(error), name);
    }
  }
  for (const { names, modules } of groups.values()) {
    const whyNotAll = await whyNotLoaded(names, modules, options);
    if (whyNotAll === undefined) continue;
    // One of them does not keep the others from being loaded.
    for (const name of names) {
      const why = names.length === 1 ? whyNotAll : await whyNotLoaded([name], modules, options);
      if (why !== undefined) add(why, name);
    }
  }
  return [...faults].map(([why, names]) => ({ why, names }));
}

/** As a sentence. */
export function toldFault({ names, why }: LoadFault): string {
  return `${names.join(", ")} cannot be loaded: ${why}`;
}

async function whyNotLoaded(
  names: string[],
  modules: RemoteModules | undefined,
  options: LoadOptions,
): Promise<string | undefined> {
  try {
    await runDeno(["cache", "--quiet"], names, modules, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    return inOneLine(error.stderr, options.functionsDir);
  }
}

/**
 * Runs a subcommand of Deno that reads the functions' modules, as their workers find them.
 * @throws RunFailure
 */
export function runDeno(
  subcommand: string[],
  names: string[],
  modules: RemoteModules | undefined,
  { functionsDir, replace }: LoadOptions,
) {
  return runProcess({
    name: `deno ${subcommand.join(" ")} ${names.join(" ")}`,
    command: Deno.execPath(),
    args: [
      ...subcommand,
      ...moduleArguments(modules, replace),
      ...names.map((name) => join(functionsDir, name, "index.ts")),
    ],
    env: denoEnvironment({
      NO_COLOR: "1",
      ...(modules?.cache !== undefined && { DENO_DIR: modules.cache }),
      // npm's registry may be behind a proxy whose certificate only this machine knows.
      DENO_TLS_CA_STORE: "mozilla,system",
      ...inherited(proxies),
    }),
  });
}

/** Deno's sentence and place, `SyntaxError: Expected ',', got 'y' at supabase/functions/respond/index.ts:3:3`. */
export function inOneLine(stderr: string, functionsDir: string): string {
  const [first = "", ...more] = stderr.trim().replace(/^(?:error: )+/, "").split("\n");
  const place = more.map((line) => /^\s*at (file:\S+)/.exec(line)?.[1]).find(Boolean);
  const text = place === undefined ? first : `${first.replace(/\.$/, "")} at ${place}`;
  const folder = pathToFileURL(functionsDir).href;
  return text.replaceAll(folder, "supabase/functions");
}
