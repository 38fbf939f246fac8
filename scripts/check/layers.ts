/**
 * The product's folders are layers: a file imports only from its own folder and from those before it, so that lower layers
 * can be read, tested and changed without the upper ones. Types count too.
 */
import { join, posix } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { projectFiles } from "./files.ts";

const product = "supabase/functions/_durable_responses/";

/** From the bottom up. */
export const layers = [
  "model",
  "platform",
  "db",
  "profiles",
  "openai",
  "files",
  "tools",
  "run",
  "worker",
  "jobs",
  "api/http",
  "api/openai",
  "api/native",
] as const;

/** Lower layers that are off limits anyway: code that calls OpenAI gets what it needs of a row as arguments. */
const outOfReach: Readonly<Record<string, string>> = { openai: "db" };

/** Above all layers: the file that the adopter's own file imports. */
const entry = "mod.ts";

/** By path: what each file imports by a relative path, as written there. */
export type Modules = Readonly<Record<string, string[]>>;

export async function checkLayers(): Promise<string | undefined> {
  const modules: Record<string, string[]> = {};
  for (const file of await projectFiles([".ts"])) {
    if (!file.startsWith(product)) continue;
    const source = await Deno.readTextFile(join(projectRoot, file));
    modules[file.slice(product.length)] = relativeSpecifiers(source);
  }
  const wrong = findWrongLayers(modules);
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** One sentence for each mistake. */
export function findWrongLayers(modules: Modules): string[] {
  return Object.entries(modules).flatMap(([file, specifiers]) => [
    ...(file !== entry && layerOf(file) === undefined
      ? [`${file}: it must be in one of ${layers.join(", ")}`]
      : []),
    ...specifiers.flatMap((specifier) => wrongImport(file, specifier) ?? []),
  ]);
}

function wrongImport(file: string, specifier: string): string | undefined {
  const target = targetOf(file, specifier);
  if (target.startsWith("../") || posix.isAbsolute(specifier) || specifier.startsWith("file:")) {
    return `${file}: '${specifier}' lies outside of ${product}`;
  }
  if (target === entry) return `${file}: '${specifier}' stands above all folders`;
  if (file === entry) return undefined;
  const [own, theirs] = [layerOf(file), layerOf(target)];
  // A file in no layer is reported once, by its own name, not for each import.
  if (own === undefined || theirs === undefined) return undefined;
  if (outOfReach[own] === theirs) {
    return `${file}: '${specifier}': ${own} must not import ${theirs}`;
  }
  return layers.indexOf(theirs) > layers.indexOf(own)
    ? `${file}: '${specifier}': ${theirs} comes after ${own}`
    : undefined;
}

function layerOf(file: string) {
  return layers.find((layer) => file.startsWith(`${layer}/`));
}

/** The path of what `file` imports by `specifier`. */
export function targetOf(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier);
}

/** What a module imports or re-exports by a path, including types and lazy imports. */
export function relativeSpecifiers(source: string): string[] {
  const statements = [
    /^\s*(?:import|export)\s[\w\s{},*$]*?\bfrom\s*["']([^"'\n]+)["']/gm,
    /^\s*import\s*["']([^"'\n]+)["']/gm,
    /\bimport\(\s*["'`]([^"'`\n]+)["'`]/g,
    /^\s*\/\/ @ts-types=["']([^"'\n]+)["']/gm,
  ];
  const specifiers = statements.flatMap((form) =>
    [...source.matchAll(form)].map(([, specifier = ""]) => specifier)
  );
  return specifiers.filter((specifier) => /^(?:\.{0,2}\/|file:)/.test(specifier));
}
