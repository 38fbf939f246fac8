/** What esm.sh reads of an npm package; here, of one that is installed in node_modules. */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { findPackage } from "../packages.ts";

const jsonObject = z.record(z.string(), z.unknown());
const versions = z.record(z.string(), z.string()).default({});
const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  main: z.string().optional(),
  module: z.string().optional(),
  exports: z.union([z.string(), jsonObject]).optional(),
  imports: jsonObject.optional(),
  dependencies: versions,
  peerDependencies: versions,
  sideEffects: z.union([z.boolean(), z.array(z.string())]).optional(),
});

export interface Package {
  name: string;
  version: string;
  /** Where its files are. */
  folder: string;
  manifest: z.infer<typeof manifestSchema>;
  /** The versions that it asks for, peers included. */
  dependencies: Readonly<Record<string, string>>;
  /** Each of its files is served by itself: some of them do something when they are loaded. */
  isSplit: boolean;
}

/** Where packages lie that were read: what only they ask for, some package managers put where only they see it. */
const readFolders = new Set<string>();

function folderOf(name: string): string | undefined {
  const seen = [undefined, ...readFolders].map((from) => findPackage(name, from));
  return seen.find((folder) => folder !== undefined && existsSync(join(folder, "package.json")));
}

/** The installed package of that name; undefined when there is none. */
export async function readPackage(name: string): Promise<Package | undefined> {
  const folder = folderOf(name);
  if (folder === undefined) return undefined;
  readFolders.add(realpathSync(folder));
  const text = await Deno.readTextFile(join(folder, "package.json"));
  const manifest = manifestSchema.parse(JSON.parse(text));
  const { version, peerDependencies, dependencies, sideEffects } = manifest;
  return {
    name,
    version,
    folder,
    manifest,
    dependencies: { ...peerDependencies, ...dependencies },
    isSplit: Array.isArray(sideEffects) && sideEffects.length > 0,
  };
}

/** `@scope/name@1.2.3/sub/path` in its parts; version and path are empty where there are none. */
export function splitSpecifier(
  specifier: string,
): { name: string; version: string; subPath: string } {
  const parts = /^(?<name>(?:@[^/@]+\/)?[^/@]+)(?:@(?<version>[^/]+))?(?:\/(?<subPath>.*))?$/
    .exec(specifier)?.groups ?? {};
  const { name = specifier, version = "", subPath = "" } = parts;
  return { name, version, subPath };
}
