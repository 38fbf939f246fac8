/**
 * Whether functions can be loaded, found out without running them: Deno reads their modules, and fetches those that are missing, so
 * that no worker is killed while it waits for a download.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { denoEnvironment, inherited } from "../child-environment.ts";
import { RunFailure, runProcess } from "../processes.ts";
import { moduleArguments, type RemoteModules } from "./command.ts";

const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

export interface LoadOptions {
  functionsDir: string;
  replace: Record<string, string>;
  /** Throws if the function's import map cannot be read. */
  remote: ((name: string) => RemoteModules) | undefined;
}

/** A sentence for each set of functions that cannot be loaded, with the place; they answer 503 until that is fixed. */
export async function loadFaults(names: string[], options: LoadOptions): Promise<string[]> {
  const faults: string[] = [];
  const groups = new Map<string, { names: string[]; args: string[]; cache?: string }>();
  for (const name of names) {
    try {
      const modules = options.remote?.(name);
      const args = moduleArguments(modules, options.replace);
      const key = args.join(" ");
      const group = groups.get(key) ?? {
        names: [],
        args,
        ...(modules?.cache !== undefined && { cache: modules.cache }),
      };
      group.names.push(name);
      groups.set(key, group);
    } catch (error) {
      faults.push(`${name} cannot be loaded: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (const { names, args, cache } of groups.values()) {
    const why = await whyNotLoaded(names, args, cache, options.functionsDir);
    if (why !== undefined) faults.push(`${names.join(", ")} cannot be loaded: ${why}`);
  }
  return faults;
}

async function whyNotLoaded(
  names: string[],
  args: string[],
  cache: string | undefined,
  functionsDir: string,
): Promise<string | undefined> {
  try {
    await runProcess({
      name: `deno cache ${names.join(" ")}`,
      command: Deno.execPath(),
      args: [
        "cache",
        "--quiet",
        ...args,
        ...names.map((name) => join(functionsDir, name, "index.ts")),
      ],
      env: denoEnvironment({
        NO_COLOR: "1",
        ...(cache !== undefined && { DENO_DIR: cache }),
        // npm's registry may be behind a proxy whose certificate only this machine knows.
        DENO_TLS_CA_STORE: "mozilla,system",
        ...inherited(proxies),
      }),
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    return inOneLine(error.stderr, functionsDir);
  }
}

/** Deno's sentence and place, `SyntaxError: Expected ',', got 'y' at supabase/functions/respond/index.ts:3:3`. */
export function inOneLine(stderr: string, functionsDir: string): string {
  const [first = "", ...more] = stderr.trim().replace(/^(?:error: )+/, "").split("\n");
  const place = more.map((line) => /^\s*at (file:\S+)/.exec(line)?.[1]).find(Boolean);
  const text = place === undefined ? first : `${first.replace(/\.$/, "")} at ${place}`;
  const folder = pathToFileURL(functionsDir).href;
  return text.replaceAll(folder, "supabase/functions");
}
