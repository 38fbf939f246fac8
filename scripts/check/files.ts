/** The project's own files. */
import { join, relative } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

const notOurs = new Set(["node_modules", "dist", "scratch"]);

/** Paths from the root of all files that end in one of `suffixes`, sorted, without links, hidden folders and builds. */
export async function projectFiles(suffixes: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const path of walk(projectRoot)) {
    if (suffixes.some((suffix) => path.endsWith(suffix))) found.push(relative(projectRoot, path));
  }
  return found.sort();
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isFile) yield path;
    else if (isDirectory && !name.startsWith(".") && !notOurs.has(name)) yield* walk(path);
  }
}
