/** Bundles a function. */
import { join } from "node:path";
import { rolldown } from "rolldown";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import type { Start } from "./start.ts";

/** The entry, and all that it imports at once, directly or not. */
function startOf(entry: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const start = new Set<string>();
  const add = (module: string) => {
    if (start.has(module)) return;
    start.add(module);
    for (const imported of imports.get(module) ?? []) add(imported);
  };
  add(entry);
  return start;
}

/**
 * A function, minified: what it needs before its first request in one file, as in the archive that the platform makes at deploy,
 * and what a call imports later in others. A bundler's own chunks would cut the first part into as many files as there are ways
 * to share its modules with a later one: 28 for `respond`, each of them read before it listens.
 */
export async function bundled(entry: string, dir: string): Promise<Start & { kb: number }> {
  const imports = new Map<string, readonly string[]>();
  let start = new Set<string>();
  await using bundle = await rolldown({
    input: { index: entry },
    platform: "neutral",
    external: /^node:/,
    logLevel: "silent",
    resolve: {
      mainFields: ["module", "main"],
      conditionNames: ["deno", "import", "module"],
      // As the import map has it: 4.1.0, in place of one that has no entry for Deno.
      alias: { "pkce-challenge": join(projectRoot, "node_modules", "pkce-challenge") },
    },
    plugins: [{
      name: "what is needed at the start",
      moduleParsed: ({ id, importedIds }) => void imports.set(id, importedIds),
      buildEnd: () => void (start = startOf(entry, imports)),
    }],
  });
  const { output } = await bundle.write({
    dir,
    format: "esm",
    minify: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    codeSplitting: { groups: [{ name: "start", test: (module) => start.has(module) }] },
  });
  const bytes = output.reduce(
    (sum, file) => sum + (file.type === "chunk" ? file.code.length : file.source.length),
    0,
  );
  return { args: [join(dir, "index.mjs")], env: {}, kb: Math.round(bytes / 1024) };
}
