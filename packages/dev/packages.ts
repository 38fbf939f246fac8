/**
 * Where the packages are that this one needs: beside it or above it, as Node looks for them, whether it is a workspace of its
 * repository or installed in somebody's project.
 */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The folder of an installed package, seen from `from`; undefined when there is none. */
export function findPackage(name: string, from: string = here): string | undefined {
  for (let folder = from;; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(found)) return found;
    if (dirname(folder) === folder) return undefined;
  }
}

/** A package that only `parent` asks for: some package managers put it where nobody else sees it. */
export function findPackageOf(parent: string, name: string): string | undefined {
  const direct = findPackage(name);
  if (direct !== undefined) return direct;
  const folder = findPackage(parent);
  return folder === undefined ? undefined : findPackage(name, realpathSync(folder));
}

/** The folder of node_modules that holds all of them, for a program that may read nothing else. */
export function modulesFolder(): string {
  const mark = `${sep}node_modules${sep}`;
  const first = here.indexOf(mark);
  if (first >= 0) return here.slice(0, first + mark.length - 1);
  return dirname(findPackage("hono") ?? join(here, "node_modules", "hono"));
}

/** A module of this package: written in TypeScript here, and published as JavaScript. */
export function moduleFile(base: string, name: string): string {
  return fileURLToPath(new URL(`${name}${base.endsWith(".ts") ? ".ts" : ".js"}`, base));
}
