/** Which test files there are, and which of them share a stack. */
import { join, relative } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

/**
 * Paths from the root of every `*.test.ts` below `folder` whose path contains one of `parts` (all, if there are none), sorted.
 * `*.long.test.ts` are for long runs only.
 */
export async function findTestFiles(
  folder: string,
  parts: string[],
  { long = false } = {},
): Promise<string[]> {
  const found: string[] = [];
  for await (const file of walk(folder)) {
    const path = relative(projectRoot, file);
    if (!path.endsWith(".test.ts") || path.endsWith(".long.test.ts") && !long) continue;
    if (parts.length === 0 || parts.some((part) => path.includes(part.replace(/^\.\//, "")))) {
      found.push(path);
    }
  }
  return found.sort();
}

/** The files that share a stack with others: each calls a harness whose name begins with `shared`. */
export async function findSharers(files: string[]): Promise<Set<string>> {
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(join(projectRoot, file))));
  return new Set(files.filter((_, index) => /\bshared[A-Z]\w*\(/.test(texts[index] ?? "")));
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* walk(path);
    else yield path;
  }
}
