/** How Deno runs the package's programs on the project's own functions and profiles. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure } from "../failure.ts";
import { type ImportMap, readImportMap } from "../init/import-map.ts";
import { readText } from "./locate.ts";
import { importMapFile } from "./release.ts";

export interface DenoProgram {
  /** The project's folder `supabase/`. */
  supabase: string;
  /** The folder with the package's copy of the project. */
  template: string;
  /** In `scripts/` of that folder. */
  script: string;
  permissions: string[];
}

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

/**
 * The import map with which the package's programs run the project's own functions and profiles. Packages come from npm, in
 * the functions' versions: a process that runs for weeks, or on a train, should not depend on a CDN to start.
 */
async function mappedToProject(supabase: string, template: string): Promise<ImportMap> {
  const text = await readText(join(supabase, importMapFile));
  if (text === undefined) {
    throw new Failure(
      `Cannot run the project's functions: supabase/${importMapFile} is missing`,
      {
        hint:
          "npx durable-responses init adds the functions, and writes the file again if it was removed",
      },
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
