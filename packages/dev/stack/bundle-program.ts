/** Bundles functions with esbuild, in a process of its own; bundle.ts says what for. */
import { join, resolve } from "node:path";
import { build, type Plugin, stop } from "esbuild";
import { findPackage } from "../packages.ts";
import { cachedFolder, hashOf } from "../postgres/template.ts";
import { bundleOrder } from "./bundle.ts";

const { functionsDir, names, replace, record } = bundleOrder.parse(JSON.parse(Deno.args[0] ?? ""));
const pkce = findPackage("pkce-challenge", functionsDir);

const { outputFiles, metafile } = await build({
  entryPoints: Object.fromEntries(
    names.map((name) => [`${name}/index`, join(functionsDir, name, "index.ts")]),
  ),
  outdir: "/",
  absWorkingDir: functionsDir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  write: false,
  metafile: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["deno", "import", "module"],
  external: ["node:*"],
  // The MCP SDK's own one may have no entry for Deno.
  ...(pkce !== undefined && { alias: { "pkce-challenge": pkce } }),
  legalComments: "none",
  logLevel: "silent",
  plugins: [replacing(replace)],
  // Else esbuild's service keeps this process, and holds on to its stderr, whose end is waited for.
}).finally(stop);

const sources = await Promise.all(
  Object.keys(metafile.inputs).map(async (input) => {
    const path = resolve(functionsDir, input);
    const { mtime, size } = await Deno.stat(path);
    return { path, mtimeMs: mtime?.getTime() ?? 0, size };
  }),
);
const key = await hashOf(outputFiles.flatMap(({ path, text }) => [path, text]));
const folder = await cachedFolder("functions", key, async (empty) => {
  for (const { path, contents } of outputFiles) {
    const file = join(empty, path);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeFile(file, contents);
  }
});
// Put in its place whole, since another run may read it just now.
const unfinished = `${record}.${Deno.pid}`;
await Deno.writeTextFile(unfinished, JSON.stringify({ folder, sources }));
await Deno.rename(unfinished, record);

/** Other modules in the place of those of these paths. */
function replacing(paths: Readonly<Record<string, string>>): Plugin {
  return {
    name: "replace",
    setup({ onResolve }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
        const other = paths[resolve(resolveDir, path)];
        return other === undefined ? undefined : { path: other };
      });
    },
  };
}
