/**
 * The import map that a function runs by: the one that config.toml names for it, else its own deno.json, else the one that all
 * functions share. As the platform does, with one difference: a package that is installed with this one, in the very version
 * that the map asks for, comes from here, not from esm.sh or npm.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
// @ts-types="./jsonc-parse.d.ts"
import { parse } from "deno-std/jsonc/parse.js";
import { z } from "zod";
import type { RemoteModules } from "../edge/command.ts";
import { messageOf } from "../message-of.ts";
import { findPackage } from "../packages.ts";

const entries = z.record(z.string(), z.string()).default({});
const importMap = z.looseObject({
  imports: entries,
  scopes: z.record(z.string(), entries).default({}),
});
const denoFile = importMap.extend({ importMap: z.string().optional() });
const manifest = z.object({ version: z.string() });

/** What the product's functions import, and this package brings, with the packages that the import map pins for each. */
const brought = ["@modelcontextprotocol/sdk", "@supabase/supabase-js", "deno-std", "openai", "zod"];

export interface MapOptions {
  functionsDir: string;
  /** config.toml's `import_map` of a function, relative to `supabase/`. */
  configured: (name: string) => string | undefined;
  /** Serves installed packages under esm.sh's paths. */
  esmShUrl: string;
}

/** The modules of one function, read anew for each of its workers. Throws when its import map cannot be read. */
export function modulesOf(name: string, options: MapOptions): RemoteModules {
  const file = importMapFile(name, options);
  if (file === undefined) return { imports: {} };
  const base = pathToFileURL(file).href;
  const map = readMap(file);
  if (map.importMap !== undefined) {
    throw new Error(
      `Cannot read '${file}': say 'import_map' in config.toml instead of 'importMap'`,
    );
  }
  const resolved = (all: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(all).map(([key, address]) => [
        absolute(key, base),
        broughtAddress(absolute(address, base), options.esmShUrl),
      ]),
    );
  return {
    imports: resolved(map.imports),
    scopes: Object.fromEntries(
      Object.entries(map.scopes).map(([scope, all]) => [absolute(scope, base), resolved(all)]),
    ),
  };
}

function importMapFile(name: string, { functionsDir, configured }: MapOptions): string | undefined {
  const named = configured(name);
  if (named !== undefined) return join(dirname(functionsDir), named);
  return [
    join(functionsDir, name, "deno.json"),
    join(functionsDir, name, "deno.jsonc"),
    join(functionsDir, "deno.json"),
    join(functionsDir, "import_map.json"),
  ].find((path) => existsSync(path));
}

function readMap(file: string): z.infer<typeof denoFile> {
  try {
    return denoFile.parse(parse(Deno.readTextFileSync(file)));
  } catch (cause) {
    throw new Error(`Cannot read the import map '${file}': ${reason(cause)}`, { cause });
  }
}

function reason(cause: unknown): string {
  if (cause instanceof z.ZodError) return z.prettifyError(cause);
  return cause instanceof Deno.errors.NotFound
    ? "it does not exist. Put it back (npx durable-responses init writes its own again), or correct config.toml"
    : messageOf(cause);
}

/** The map is handed over in the command line, so what is relative to its file has to be said in full. */
function absolute(address: string, base: string): string {
  return /^\.{0,2}\//.test(address) ? new URL(address, base).href : address;
}

/**
 * Where a package of that address is served on this machine; the address itself where it is another package or version, or
 * no package.
 */
export function broughtAddress(address: string, esmShUrl: string): string {
  const { name, version, rest = "" } =
    /^(?:https:\/\/esm\.sh\/|npm:\/?)(?<name>(?:@[^/]+\/)?[^/@]+)@(?<version>[^/?&]+)(?<rest>.*)$/
      .exec(address)?.groups ?? {};
  if (name === undefined || !brought.includes(name) || installedVersion(name) !== version) {
    return address;
  }
  return `${esmShUrl}/${name}@${version}${rest}`;
}

function installedVersion(name: string): string | undefined {
  const folder = findPackage(name);
  if (folder === undefined) return undefined;
  const text = Deno.readTextFileSync(join(folder, "package.json"));
  return manifest.parse(JSON.parse(text)).version;
}
