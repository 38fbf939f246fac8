/**
 * Which file of a package a path means, as esm.sh decides it for Deno: the conditions `deno` and those for ES modules; never `browser`,
 * `worker` or `node`. (esm-dev/esm.sh, server/build_resolver.go, read on 2026-11-26.)
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { exports, imports } from "resolve.exports";
import type { Package } from "./package.ts";

const wanted = { conditions: ["deno", "import"], unsafe: true };
const fileEnds = ["", ".mjs", ".js", ".cjs", "/index.mjs", "/index.js", "/index.cjs"];

/** The file for a path in a package (empty: the package itself), such as `./dist/index.mjs`; undefined when it has none. */
export function resolveFile(pkg: Package, subPath: string): string | undefined {
  const exported = exportedFile(pkg, subPath);
  if (exported !== undefined) return exported;
  return subPath === ""
    ? fileAt(pkg, pkg.manifest.module ?? pkg.manifest.main ?? "index.js")
    : fileAt(pkg, subPath);
}

/** What package.json's `imports` says of a name that begins with `#`. */
export function resolvePrivate({ manifest }: Package, name: string): string {
  const [file] = imports(manifest, name, wanted) ?? [];
  if (file === undefined) throw new Error(`${manifest.name} imports nothing as '${name}'`);
  return file;
}

function exportedFile(pkg: Package, subPath: string): string | undefined {
  const name = subPath === "" ? "." : `./${subPath}`;
  // Names may have ends that the path has not.
  for (const each of [name, `${name}.js`, `${name}.mjs`]) {
    const file = exportedAs(pkg, each);
    const found = file === undefined ? undefined : fileAt(pkg, file);
    if (found !== undefined) return found;
  }
  return undefined;
}

function exportedAs({ manifest }: Package, name: string): string | undefined {
  try {
    return exports(manifest, name, wanted)?.[0];
  } catch (error) {
    // What a package does not export, a path may name all the same.
    if (error instanceof Error && /^(?:Missing|No known conditions)/.test(error.message)) return;
    throw error;
  }
}

/** A file by its name, or by its name without an end. */
function fileAt(pkg: Package, path: string): string | undefined {
  const file = path.startsWith("./") ? path : `./${path}`;
  return fileEnds.map((end) => file + end).find((candidate) => hasFile(pkg, candidate));
}

export function hasFile(pkg: Package, path: string): boolean {
  const file = join(pkg.folder, path);
  return existsSync(file) && statSync(file).isFile();
}

/** `./v4/core` for `./v4/core.js`; a `.d.ts` keeps its end. */
export function withoutExtension(path: string): string {
  return path.replace(/\.(?:[cm]?js)$/, "");
}
