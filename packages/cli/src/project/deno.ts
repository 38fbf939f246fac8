/** Runs the package's Deno programs on the project's own functions and profiles. */
import { access, constants } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Failure } from "../failure.ts";
import { type ImportMap, readImportMap } from "../init/import-map.ts";
import { foldersFrom, readText } from "./locate.ts";
import { importMapFile } from "./release.ts";

/** The Deno version that the functions are tested with. */
export const denoPackage = "deno@2.9.6";

export interface DenoProgram {
  /** The project's folder `supabase/`. */
  supabase: string;
  /** The folder with the package's copy of the project. */
  template: string;
  /** In `scripts/` of that folder. */
  script: string;
  permissions: string[];
}

/** A command, and the arguments that come before Deno's own. */
export type DenoCommand = [command: string, before: string[]];

/**
 * The arguments for `deno`.
 * @throws Failure if init has not been run
 */
export async function denoArguments(
  { supabase, template, script, permissions }: DenoProgram,
): Promise<string[]> {
  const importMap = await mappedToProject(supabase, template);
  return [
    "run",
    "--quiet",
    "--no-config",
    "--no-lock",
    "--no-prompt",
    "--node-modules-dir=none",
    ...permissions,
    `--import-map=data:application/json,${encodeURIComponent(JSON.stringify(importMap))}`,
    join(template, "scripts", script),
  ];
}

/** The Deno that was given. Otherwise, an installed one, then the npm package. */
export async function denoCommands(
  supabase: string,
  wanted?: string,
): Promise<[DenoCommand, ...DenoCommand[]]> {
  if (wanted !== undefined) return [[wanted, []]];
  const installed = await installedDeno(supabase);
  const download: DenoCommand = ["npx", ["--yes", denoPackage]];
  return installed === undefined ? [download] : [[installed, []], download];
}

/** A Deno that needs no download; undefined if there is none. */
export async function installedDeno(supabase: string): Promise<string | undefined> {
  const folders = [
    join(dirname(supabase), "node_modules", ".bin"),
    // Where this program is installed, or its repository.
    ...foldersFrom(dirname(fileURLToPath(import.meta.url))).map((folder) =>
      join(folder, "node_modules", ".bin")
    ),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  const names = process.platform === "win32" ? ["deno.exe"] : ["deno"];
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
  }
  return undefined;
}

/**
 * The import map with which the package's programs run the project's own functions and profiles. Packages come from npm, in
 * the functions' versions: a process that runs for weeks, or on a train, should not depend on a CDN to start.
 */
async function mappedToProject(supabase: string, template: string): Promise<ImportMap> {
  const text = await readText(join(supabase, importMapFile));
  if (text === undefined) {
    throw new Failure(
      "Cannot run the project's functions: init has not added them",
      { hint: "npx durable-responses init" },
    );
  }
  const theirs = `${pathToFileURL(join(supabase, "functions")).href}/`;
  const ours = `${pathToFileURL(join(template, "supabase", "functions")).href}/`;
  const { imports, scopes } = readImportMap(text);
  const mapped = (entries: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(entries).map(([name, address]) => [name, fromNpm(absolute(address, theirs))]),
    );
  return {
    imports: { ...mapped(imports), [ours]: theirs },
    scopes: Object.fromEntries(
      Object.entries(scopes).map(([scope, entries]) => [absolute(scope, theirs), mapped(entries)]),
    ),
  };
}

/** The map is passed on the command line, so paths relative to its file must be made absolute. */
function absolute(address: string, base: string): string {
  return /^\.{0,2}\//.test(address) ? new URL(address, base).href : address;
}

/** The part after the version tells esm.sh which versions of its dependencies a package gets. npm resolves those itself. */
function fromNpm(address: string): string {
  const [, wanted, path] =
    address.match(/^https:\/\/esm\.sh\/((?:@[^/]+\/)?[^/@]+@[^/?&]+)(?:[?&][^/]*)?(\/?)$/) ?? [];
  return wanted === undefined ? address : `npm:${path}${wanted}${path}`;
}
