/** The files in this release of the package. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { readText } from "./locate.ts";

/** What is known of the release without reading its files. */
export interface AboutRelease {
  version: string;
  /** The folder with the package's copy of the project: `supabase/functions`, `supabase/migrations`, `scripts/worker`. */
  folder: string;
}

export interface Release extends AboutRelease {
  /** Text of every file that goes into `supabase/`, by its path there, except profiles.ts and the import map. */
  files: ReadonlyMap<string, string>;
  /** The packages that the functions import by a bare name, and their sources. */
  imports: Readonly<Record<string, string>>;
}

/** The names of the functions in the release. `respond` may have another name in a project. */
export const functionNames = ["respond", "openai-webhook", "run-jobs"] as const;

/** The same in a project where `respond` is called `name`. */
export function functionsNamed(name: string): [string, string, string] {
  const [, webhook, worker] = functionNames;
  return [name, webhook, worker];
}

/** The command that deploys all of them. */
export function deployCommand(name: string): string {
  return `npx supabase functions deploy --remote --use-api ${functionsNamed(name).join(" ")}`;
}

/** The path of a release's file in a project where `respond` is called `name`. */
export function pathInProject(path: string, name: string): string {
  return path.replace(/^functions\/respond\//, `functions/${name}/`);
}

export const importMapFile = "functions/import_map.json";
/** The folder that the functions share. Nothing in it is the adopter's. */
export const product = "functions/_durable_responses";
const schemaVersion = `${product}/db/schema-version.ts`;
const adopters = "functions/_shared/";
/** What applies the migrations to the project. */
export const pushMigrations = "npx supabase db push --remote --include-all";
export const profilesPath = "functions/_shared/profiles.ts";

const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });
const aboutSchema = z.object({ version: z.string() });

/** The folder next to the built program. */
const ownFolder = () => fileURLToPath(new URL("./template/", import.meta.url));

/** The documentation of this release. */
export const docsFolder = () => fileURLToPath(new URL("./docs", import.meta.url));

/** Which release it is. Each command asks this, and few need its files. */
export async function aboutRelease(folder: string = ownFolder()): Promise<AboutRelease> {
  const about: unknown = JSON.parse(await readFile(join(folder, "release.json"), "utf8"));
  return { version: aboutSchema.parse(about).version, folder };
}

/** Reads the release next to the built program. */
export async function readRelease(folder: string = ownFolder()): Promise<Release> {
  const supabase = join(folder, "supabase");
  const entries = await readdir(supabase, {
    recursive: true,
    withFileTypes: true,
  });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) =>
    join(entry.parentPath, entry.name).slice(supabase.length + 1).replaceAll(
      "\\",
      "/",
    )
  ).sort();
  const texts = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(supabase, path), "utf8")] as const),
  );
  const files = new Map(texts);
  const { imports } = importMapSchema.parse(
    JSON.parse(files.get(importMapFile) ?? "{}"),
  );
  files.delete(importMapFile);
  // Neither what the adopter edits, nor what is generated from it.
  for (const path of [...files.keys()]) if (path.startsWith(adopters)) files.delete(path);
  return { ...await aboutRelease(folder), files, imports };
}

/**
 * The major schema version that the functions in the project's folder are written for; outside of a project, the release's.
 */
export async function expectedSchema(
  release: Release,
  supabase: string | undefined,
): Promise<number> {
  const own = supabase && await readText(join(supabase, schemaVersion));
  const [, major] = /schemaMajor = (\d+)/.exec(own || release.files.get(schemaVersion) || "") ??
    [];
  if (major === undefined) {
    throw new Failure(`Cannot read the schema's version from ${schemaVersion}`);
  }
  return Number(major);
}

/** The names of the release's migrations as the Supabase CLI records them, without the timestamp. */
export function migrationNames(release: Release): string[] {
  return [...release.files.keys()].flatMap((path) => {
    const name = path.match(/^migrations\/\d+_(.+)\.sql$/)?.[1];
    return name === undefined ? [] : [name];
  });
}
