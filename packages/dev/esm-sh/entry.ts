/**
 * Which file of a package a path means, as esm.sh decides it for Deno: the condition `deno`, then those for ES modules in the
 * order of package.json; never `browser`, `worker` or `node`. (esm-dev/esm.sh, server/build_resolver.go, read on 2026-11-26.)
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Package } from "./package.ts";

export interface Entry {
  /** `./dist/index.mjs` */
  file: string;
  isModule: boolean;
}

/** The file for a path in a package (empty: the package itself); undefined when it has none. */
export function resolveEntry(pkg: Package, subPath: string): Entry | undefined {
  const exported = exportedEntry(pkg, subPath);
  if (exported && hasFile(pkg, exported.file)) return exported;
  if (subPath !== "") return fileEntry(pkg, `./${subPath}`);
  if (pkg.module !== undefined) return { file: dotted(pkg.module), isModule: true };
  return fileEntry(pkg, dotted(pkg.main ?? "index.js"));
}

function exportedEntry(pkg: Package, subPath: string): Entry | undefined {
  const name = subPath === "" ? "." : `./${subPath}`;
  if (pkg.exports.has(name)) return entryOf(pkg, pkg.exports.get(name));
  for (const [pattern, target] of pkg.exports) {
    if (withoutExtension(pattern) === name) return entryOf(pkg, target);
    const [before, after] = pattern.split("*");
    if (after === undefined || !name.startsWith(before ?? "") || !name.endsWith(after)) continue;
    // Without its end, as esm.sh has it: a pattern with one is met by whole file names only.
    const entry = entryOf(pkg, filled(target, name.slice((before ?? "").length)));
    if (entry) return fileEntry(pkg, entry.file) ?? entry;
  }
  return undefined;
}

function entryOf(pkg: Package, target: unknown): Entry | undefined {
  return typeof target === "string"
    ? entryFor(target, pkg.type === "module")
    : conditional(target, pkg.type);
}

function conditional(conditions: unknown, preferred: Package["type"]): Entry | undefined {
  if (!isObject(conditions)) return undefined;
  const choose = (target: unknown, isModule: boolean) =>
    typeof target === "string"
      ? entryFor(target, isModule)
      : conditional(target, isModule ? "module" : "commonjs");
  const forDeno = "deno" in conditions
    ? choose(conditions["deno"], preferred === "module")
    : undefined;
  let entry = forDeno;
  for (const [condition, target] of Object.entries(conditions)) {
    const isModule = isForModules(condition, target, conditions, preferred);
    if (isModule === undefined) continue;
    if (!entry || (!entry.isModule && isModule && !forDeno)) {
      entry = choose(target, isModule) ?? entry;
    }
  }
  return entry;
}

/** Whether a condition leads to an ES module; undefined for a condition that is not looked at. */
function isForModules(
  condition: string,
  target: unknown,
  all: Record<string, unknown>,
  preferred: Package["type"],
): boolean | undefined {
  switch (condition) {
    case "import":
    case "module":
    case "es2015":
      return true;
    case "require":
      return false;
    case "default":
      return preferred === "module" || "require" in all ||
        (typeof target === "string" && target.endsWith(".mjs"));
    default:
      return undefined;
  }
}

function filled(target: unknown, rest: string): unknown {
  if (typeof target === "string") return target.replaceAll("*", rest);
  if (!isObject(target)) return target;
  return Object.fromEntries(
    Object.entries(target).map(([key, value]) => [key, filled(value, rest)]),
  );
}

/** A file by its name, or by its name without an ending. */
function fileEntry(pkg: Package, path: string): Entry | undefined {
  const candidates = ["", ".mjs", ".js", ".cjs", "/index.mjs", "/index.js", "/index.cjs"];
  const file = candidates.map((end) => path + end).find((candidate) => hasFile(pkg, candidate));
  return file === undefined ? undefined : entryFor(file, pkg.type === "module");
}

function entryFor(file: string, isModule: boolean): Entry {
  return { file: dotted(file), isModule: file.endsWith(".mjs") || isModule };
}

export function hasFile(pkg: Package, path: string): boolean {
  const file = join(pkg.folder, path);
  return existsSync(file) && statSync(file).isFile();
}

/** `./v4/core` for `./v4/core.js`; a `.d.ts` keeps its end. */
export function withoutExtension(path: string): string {
  return path.replace(/\.(?:[cm]?js)$/, "");
}

function dotted(path: string): string {
  return path.startsWith("./") ? path : `./${path}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
