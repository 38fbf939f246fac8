/**
 * One version of each package everywhere: what a deployed function gets from esm.sh (supabase/functions/import_map.json) is
 * what runs here from node_modules (package.json).
 */
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { projectFiles } from "./files.ts";

const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });

export interface ImportFacts {
  /** package.json's dependencies. */
  dependencies: Record<string, string>;
  /** The import map's entries. */
  imports: Record<string, string>;
  /** Per file of supabase/functions, the bare specifiers that it imports. */
  used: Record<string, string[]>;
}

export async function checkImports(): Promise<string | undefined> {
  const wrong = findWrongImports(await readFacts());
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** One sentence for each thing that is wrong. */
export function findWrongImports({ dependencies, imports, used }: ImportFacts): string[] {
  return [
    ...Object.entries(dependencies)
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      .map(([name, version]) => `package.json: '${name}' must be pinned, not '${version}'`),
    ...Object.entries(imports).flatMap(([specifier, url]) =>
      wrongEntry(specifier, url, dependencies)
    ),
    ...Object.entries(used).flatMap(([file, specifiers]) =>
      specifiers
        .filter((specifier) => !isMapped(specifier, imports))
        .map((specifier) => `${file}: '${specifier}' is not in import_map.json`)
    ),
  ];
}

function wrongEntry(
  specifier: string,
  url: string,
  dependencies: Record<string, string>,
): string[] {
  const name = specifier.replace(/\/$/, "");
  const version = dependencies[name];
  if (version === undefined) {
    return [`import_map.json: '${name}' must be one of package.json's dependencies`];
  }
  const expected = `https://esm.sh/${name}@${version}${specifier.endsWith("/") ? "/" : ""}`;
  return url === expected
    ? []
    : [`import_map.json: '${specifier}' must be '${expected}', not '${url}'`];
}

function isMapped(specifier: string, imports: Record<string, string>): boolean {
  return specifier in imports ||
    Object.keys(imports).some((key) => key.endsWith("/") && specifier.startsWith(key));
}

async function readFacts(): Promise<ImportFacts> {
  const read = (path: string) => Deno.readTextFile(join(projectRoot, path));
  const { dependencies } = manifestSchema.parse(JSON.parse(await read("package.json")));
  const { imports } = importMapSchema.parse(
    JSON.parse(await read("supabase/functions/import_map.json")),
  );
  const files = (await projectFiles([".ts"])).filter((file) =>
    file.startsWith("supabase/functions/")
  );
  const used: Record<string, string[]> = {};
  for (const file of files) used[file] = bareSpecifiers(await read(file));
  return { dependencies, imports, used };
}

/** What a module imports or re-exports by a bare name, types included: Deno resolves those too. */
export function bareSpecifiers(source: string): string[] {
  const statements = [
    /^\s*(?:import|export)\s[\w\s{},*$]*?\bfrom\s*["']([^"'\n]+)["']/gm,
    /^\s*import\s*["']([^"'\n]+)["']/gm,
    /\bimport\(\s*["']([^"'\n]+)["']\s*\)/g,
  ];
  const specifiers = statements.flatMap((form) =>
    [...source.matchAll(form)].map(([, specifier = ""]) => specifier)
  );
  return specifiers.filter((specifier) => !/^(?:\.{0,2}\/|node:|https?:)/.test(specifier));
}
