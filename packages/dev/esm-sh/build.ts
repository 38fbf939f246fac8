/**
 * Builds a module as esm.sh does for Deno: one file of the package with those that it imports, minified; what the package
 * exports under a name of its own, and other packages, are imported by their addresses. esm.sh also shares what several exports
 * import: here each has its own, the worst case for a class that is compared by identity. Of CommonJS only what requires nothing of other
 * packages is served, by its default export.
 */
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { build, type OnResolveArgs, type OnResolveResult, type Plugin } from "esbuild";
import { type Address, buildPath, dependencyPath } from "./address.ts";
import { hasFile, resolveFile, resolvePrivate, withoutExtension } from "./entry.ts";
import type { Package } from "./package.ts";

export interface Built {
  code: string;
  hasDefault: boolean;
  /** The addresses that it imports. */
  imports: string[];
}

/** The package has no such file. */
export class NotExported extends Error {
  override readonly name = "NotExported";
}

/** What no module in Deno may count on, and what esm.sh puts in its place. */
const globals: Readonly<Record<string, string>> = {
  Buffer: "__Buffer$",
  process: "__Process$",
  global: "globalThis",
  window: "globalThis",
  "process.env.NODE_ENV": '"production"',
};

export async function buildModule(pkg: Package, address: Address): Promise<Built> {
  const entry = resolveFile(pkg, address.subPath);
  if (entry === undefined) throw new NotExported(`'${pkg.name}' has no './${address.subPath}'`);
  const { outputFiles, metafile } = await build({
    entryPoints: [join(pkg.folder, entry)],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    logLevel: "silent",
    format: "esm",
    platform: "browser",
    target: "esnext",
    conditions: ["deno"],
    outdir: "/esbuild",
    define: { ...globals },
    plugins: [splitByExports(pkg, address, entry)],
  });
  const code = outputFiles[0]?.text ?? "";
  const [output] = Object.values(metafile.outputs);
  const imports = output?.imports.map(({ path }) => path) ?? [];
  return {
    code: `/* esm.sh - ${pkg.name}@${pkg.version}/${address.subPath} */\n${
      nodeGlobals(code)
    }${code}`,
    hasDefault: output?.exports.includes("default") ?? false,
    imports: [...new Set(imports)].filter((path) => path.startsWith("/")).sort(),
  };
}

function nodeGlobals(code: string): string {
  return [
    code.includes("__Process$") ? 'import __Process$ from "node:process";\n' : "",
    code.includes("__Buffer$") ? 'import { Buffer as __Buffer$ } from "node:buffer";\n' : "",
  ].join("");
}

function splitByExports(pkg: Package, address: Address, entry: string): Plugin {
  const own = (subPath: string): OnResolveResult => ({
    path: buildPath({ ...address, version: pkg.version, subPath }),
    external: true,
    sideEffects: !pkg.isSplit,
  });

  function resolve({ path, importer, resolveDir, kind }: OnResolveArgs): OnResolveResult {
    if (kind === "entry-point") return { path };
    if (kind === "require-call" && !/^\.{0,2}\//.test(path)) {
      throw new Error(`${pkg.name}: ${path} is required by CommonJS, which is not served here`);
    }
    if (isBuiltin(path)) return { path: `node:${path.replace(/^node:/, "")}`, external: true };
    const specifier = path.startsWith("#") ? resolvePrivate(pkg, path) : path;
    if (specifier === pkg.name) return own("");
    if (specifier.startsWith(`${pkg.name}/`)) {
      return own(withoutExtension(specifier.slice(pkg.name.length + 1)));
    }
    if (!/^\.{0,2}\//.test(specifier)) {
      return { path: dependencyPath(pkg, specifier, address.deps), external: true };
    }
    const folder = path.startsWith("#") ? pkg.folder : resolveDir || dirname(importer);
    const file = fileOf(pkg, join(folder, specifier));
    const exported = exportOf(pkg, file);
    if (exported !== undefined && exported !== address.subPath) return own(exported);
    const isBundled = kind !== "dynamic-import" && !pkg.isSplit;
    return file === entry || isBundled
      ? { path: join(pkg.folder, file) }
      : own(withoutExtension(file.slice(2)));
  }

  return {
    name: "esm.sh",
    setup: ({ onResolve }) => onResolve({ filter: /.*/ }, resolve),
  };
}

/** `./core/error.mjs` for a path on disk, its ending found where the import leaves it out. */
function fileOf(pkg: Package, path: string): string {
  const file = `./${relative(pkg.folder, path)}`;
  return hasFile(pkg, file) ? file : resolveFile(pkg, withoutExtension(file.slice(2))) ?? file;
}

/** The name under which a package exports a file, empty for the package itself; patterns are no names. */
function exportOf({ manifest: { exports = {} } }: Package, file: string): string | undefined {
  const byName = typeof exports === "object" && Object.keys(exports).some((key) => key[0] === ".");
  for (const [name, target] of Object.entries(byName ? exports : { ".": exports })) {
    const isIt = pathsIn(target).some((path) => withoutExtension(path) === withoutExtension(file));
    if (isIt && !name.includes("*")) return withoutExtension(name).slice(2);
  }
  return undefined;
}

function pathsIn(target: unknown): string[] {
  if (typeof target === "string") return [target];
  return typeof target === "object" && target !== null
    ? Object.values(target).flatMap(pathsIn)
    : [];
}
