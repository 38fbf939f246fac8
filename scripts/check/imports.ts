/**
 * One version of each package everywhere: a deployed function gets from esm.sh (supabase/functions/import_map.json) what
 * runs here from node_modules (package.json).
 */
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { projectFiles } from "./files.ts";

/**
 * The dependencies' own dependencies that the functions load with them. They are requested by ranges, so they are pinned
 * here to what is installed. (pkce-challenge is older than the SDK asks for: version 5 has no Deno build at esm.sh, and the
 * code that needs it is never called.)
 */
const loadedWith: Readonly<Record<string, string[]>> = {
  "@modelcontextprotocol/sdk": ["content-type", "eventsource-parser", "pkce-challenge"],
};

const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
const versionSchema = z.object({ version: z.string() });
const peersSchema = z.object({ peerDependencies: z.record(z.string(), z.string()).default({}) });
const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });

export interface ImportFacts {
  /** package.json's dependencies. */
  dependencies: Record<string, string>;
  /** By dependency: its peer dependencies, with their ranges. */
  peers: Record<string, string[]>;
  /** By dependency: what is loaded with it, as `name@version`. */
  loaded?: Record<string, string[]>;
  /** The import map's entries. */
  imports: Record<string, string>;
  /** Per file of supabase/functions, the bare specifiers that it imports. */
  used: Record<string, string[]>;
}

export async function checkImports(): Promise<string | undefined> {
  const wrong = findWrongImports(await readFacts());
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** One sentence for each mistake. */
export function findWrongImports(facts: ImportFacts): string[] {
  const { dependencies, imports, used } = facts;
  return [
    ...Object.entries(dependencies)
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      .map(([name, version]) => `package.json: '${name}' must be pinned, not '${version}'`),
    ...Object.entries(imports).flatMap(([specifier, url]) => wrongEntry(specifier, url, facts)),
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
  { dependencies, peers, loaded = {} }: ImportFacts,
): string[] {
  const name = specifier.replace(/\/$/, "");
  const version = dependencies[name];
  if (version === undefined) {
    return [`import_map.json: '${name}' must be one of package.json's dependencies`];
  }
  // Packages name their peers by range, and esm.sh takes the newest version: then zod would not be the one that made a schema.
  const pinned = [
    ...(peers[name] ?? []).map((peer) => `${peer}@${dependencies[peer]}`),
    ...loaded[name] ?? [],
  ].sort().join(",");
  const deps = pinned && `deps=${pinned}`;
  const expected = `https://esm.sh/${name}@${version}${
    specifier.endsWith("/") ? `${deps && `&${deps}`}/` : deps && `?${deps}`
  }`;
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
  const peers: Record<string, string[]> = {};
  for (const name of Object.keys(dependencies)) {
    const { peerDependencies } = peersSchema.parse(
      JSON.parse(await read(`node_modules/${name}/package.json`)),
    );
    peers[name] = Object.keys(peerDependencies).filter((peer) => peer in dependencies).sort();
  }
  const loaded: Record<string, string[]> = {};
  for (const [name, packages] of Object.entries(loadedWith)) {
    loaded[name] = await Promise.all(packages.map(async (each) => {
      const manifest = await read(`node_modules/${each}/package.json`);
      return `${each}@${versionSchema.parse(JSON.parse(manifest)).version}`;
    }));
  }
  const { imports } = importMapSchema.parse(
    JSON.parse(await read("supabase/functions/import_map.json")),
  );
  const files = (await projectFiles([".ts"])).filter((file) =>
    file.startsWith("supabase/functions/")
  );
  const used: Record<string, string[]> = {};
  for (const file of files) used[file] = bareSpecifiers(await read(file));
  return { dependencies, peers, loaded, imports, used };
}

/** What a module imports or re-exports by a bare name, including types, because Deno resolves those too. */
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
