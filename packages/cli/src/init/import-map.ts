/**
 * The functions' entries in supabase/functions/import_map.json. A function has one import map, so ours are under `scopes`,
 * for the product's folder: the project's own functions may use other versions of the same packages. Only what profiles.ts
 * imports is in `imports`, and only if the project has no entry of that name. If it has another zod than profiles need, there is a
 * scope for that one file.
 */
import { z } from "zod";
import { Failure } from "../failure.ts";
import { importMapFile } from "../project/release.ts";

const entries = z.record(z.string(), z.string());
const schema = z.looseObject({
  imports: entries.default({}),
  scopes: z.record(z.string(), entries).default({}),
});

export type ImportMap = z.infer<typeof schema>;

/** Where packages come from: esm.sh, or npm. */
export type ImportKind = "esm.sh" | "npm";
export const importKinds = ["esm.sh", "npm"] as const satisfies ImportKind[];

const productScope = "./_durable_responses/";
const profilesScope = "./_shared/profiles.ts";
/** The packages for a profile's schemas. */
const forProfiles = ["zod", "zod/"];

/**
 * The import map with `wanted` added.
 * @param text undefined if there is none yet
 * @param put the entries that an earlier init added to `imports`: only those may be replaced or removed
 * @throws Failure if it is not an import map
 */
export function withImports(
  text: string | undefined,
  wanted: Readonly<Record<string, string>>,
  put: Readonly<Record<string, string>>,
): string {
  const map = readImportMap(text ?? "{}");
  const imports = { ...map.imports };
  for (const [name, url] of Object.entries(put)) {
    if (imports[name] === url) delete imports[name];
  }
  // Both or none: `zod` and `zod/mini` must be of one version.
  if (forProfiles.every((name) => imports[name] === undefined)) {
    Object.assign(imports, sharedImports(wanted));
  }
  const scopes: ImportMap["scopes"] = { ...map.scopes, [productScope]: { ...wanted } };
  const own = Object.keys(scopes[profilesScope] ?? {});
  if (own.every((name) => forProfiles.includes(name))) {
    if (fitsProfiles(imports)) delete scopes[profilesScope];
    else scopes[profilesScope] = sharedImports(wanted);
  }
  const next = { ...map, imports, scopes };
  const same = text !== undefined && JSON.stringify(map) === JSON.stringify(next);
  return same ? text : `${JSON.stringify(next, null, 2)}\n`;
}

/** Whether profiles can use the project's own zod: version 4, whose parts have an entry too. An address without a version may. */
function fitsProfiles(imports: Readonly<Record<string, string>>): boolean {
  return forProfiles.every((name) => {
    const address = imports[name];
    const major = /\bzod@[~^]?(\d+)/.exec(address ?? "")?.[1];
    return address !== undefined && (major === undefined || major === "4");
  });
}

/** The entries that go into `imports`. */
export function sharedImports(wanted: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    forProfiles.flatMap((name) => wanted[name] === undefined ? [] : [[name, wanted[name]]]),
  );
}

/** esm.sh's addresses, or npm's specifiers for the same packages and versions. */
export function importsFrom(
  kind: ImportKind,
  entries: Readonly<Record<string, string>>,
): Record<string, string> {
  if (kind === "esm.sh") return { ...entries };
  return Object.fromEntries(
    Object.entries(entries).map(([name, address]) => {
      const version = /^https:\/\/esm\.sh\/(?:@[^/]+\/)?[^/@]+@([^/?&]+)/.exec(address)?.[1];
      const isFolder = name.endsWith("/");
      const bare = isFolder ? name.slice(0, -1) : name;
      return [name, isFolder ? `npm:/${bare}@${version}/` : `npm:${bare}@${version}`];
    }),
  );
}

/** @throws Failure if it is not an import map */
export function readImportMap(text: string): ImportMap {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure(
      `Cannot read supabase/${importMapFile}: it must be JSON with 'imports' and 'scopes' of strings`,
      { cause },
    );
  }
}
