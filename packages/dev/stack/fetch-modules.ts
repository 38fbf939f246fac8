/** Fetches what functions import before the first request: a worker that is killed while it loads helps nobody. */
import { join } from "node:path";
import { remoteArguments, type RemoteModules } from "../edge/command.ts";
import { denoEnvironment } from "../child-environment.ts";
import { runProcess } from "../processes.ts";
import { ifThereNow } from "../if-there.ts";

/** Says on `log` which functions cannot be loaded, and why; they answer 503 until they are fixed. */
export async function fetchModules(
  functionsDir: string,
  modulesOf: (name: string) => RemoteModules,
  log: (line: string) => void,
): Promise<void> {
  for (const [key, names] of byModules(functionNames(functionsDir), modulesOf, log)) {
    const modules = modulesOf(names[0] ?? "");
    try {
      await runProcess({
        name: `deno cache ${names.join(" ")}`,
        command: Deno.execPath(),
        args: [
          "cache",
          "--quiet",
          ...remoteArguments(modules),
          `--import-map=data:application/json,${encodeURIComponent(key)}`,
          ...names.map((name) => join(functionsDir, name, "index.ts")),
        ],
        env: denoEnvironment({
          NO_COLOR: "1",
          ...(modules.cache !== undefined && { DENO_DIR: modules.cache }),
          // npm's registry may be behind a proxy whose certificate only this machine knows.
          DENO_TLS_CA_STORE: "mozilla,system",
          ...proxies(),
        }),
      });
    } catch (error) {
      log(`cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** The project's functions: folders with an index.ts whose names do not begin with `_`. */
export function functionNames(functionsDir: string): string[] {
  return [...Deno.readDirSync(functionsDir)]
    .filter(({ name }) => /^[a-zA-Z]/.test(name) && isFile(join(functionsDir, name, "index.ts")))
    .map(({ name }) => name).sort();
}

/** Functions that have the same modules are fetched in one go. */
function byModules(
  names: string[],
  modulesOf: (name: string) => RemoteModules,
  log: (line: string) => void,
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    try {
      const { imports, scopes = {} } = modulesOf(name);
      const key = JSON.stringify({ imports, scopes });
      groups.set(key, [...groups.get(key) ?? [], name]);
    } catch (error) {
      log(`${name} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return groups;
}

function proxies(): Record<string, string> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

function isFile(path: string): boolean {
  return ifThereNow(() => Deno.statSync(path))?.isFile ?? false;
}
