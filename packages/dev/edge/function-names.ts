/** Which functions a folder has: folders whose names begin with `_` hold what functions share. */
import { join } from "node:path";
import { ifThereNow } from "../if-there.ts";

export function isFunctionName(name: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/.test(name);
}

export function isFunction(functionsDir: string, name: string): boolean {
  if (!isFunctionName(name)) return false;
  return ifThereNow(() => Deno.statSync(join(functionsDir, name, "index.ts")))?.isFile ?? false;
}

export function functionNames(functionsDir: string): string[] {
  const entries = ifThereNow(() => [...Deno.readDirSync(functionsDir)]) ?? [];
  return entries.map(({ name }) => name)
    .filter((name) => isFunction(functionsDir, name)).sort();
}
