/** What init would change in a project, worked out completely before anything is written. */
import { join, posix } from "node:path";
import { Failure } from "../failure.ts";
import { readText } from "../project/locate.ts";
import {
  defaultFunctionName,
  hashOf,
  type Manifest,
  manifestFile,
  readManifest,
  writeManifest,
} from "../project/manifest.ts";
import {
  functionsNamed,
  importMapFile,
  pathInProject,
  profilesPath,
  type Release,
} from "../project/release.ts";
import { withFunctionSections } from "./config-toml.ts";
import { copyName, decide } from "./decide.ts";
import { type ImportKind, importsFrom, readImportMap, withImports } from "./import-map.ts";
import { withSchemaPaths } from "./schema-paths.ts";
import { secretsFile, withIgnored, withSecrets, workerSecret } from "./secrets-file.ts";
import { profilesFile, type Starter, starterSecrets } from "./starters.ts";

/** One file's text, before and after; undefined if there is no file. */
export interface Change {
  /** Relative to `supabase/`. */
  path: string;
  before: string | undefined;
  after: string | undefined;
  /** Its text is not shown. */
  secret: boolean;
}

export interface Plan {
  changes: Change[];
  /** Files that stay as their owner left them, with the reason. */
  kept: { path: string; why: string }[];
  /** Files that a restore replaces although their owner changed them, and where each is kept. */
  copies: { path: string; copy: string }[];
  /** Files that both sides have changed, or that existed before. While there are any, init changes nothing. */
  conflicts: Conflict[];
  /** The release that is in the project now. */
  installed: string | undefined;
  /** The name of the function that clients call. */
  functionName: string;
}

/** A file that is in the way. */
export interface Conflict {
  path: string;
  why: string;
  before: string;
  after: string;
  /** Whether an earlier init put it there, and it was changed since. */
  isOurs: boolean;
}

export interface Wishes {
  /** Used when the project has no profiles.ts yet. */
  starter: Starter;
  /** Values of secrets, by name. */
  secrets: Readonly<Record<string, string>>;
  /** Keeps files that their owner changed, although the release has newer ones. */
  keepChanged: boolean;
  /** Files, relative to `supabase/`, that are replaced by the release's version, whatever their owner changed. */
  restore: readonly string[];
  /** The new name of `respond`, if one was given. */
  functionName: string | undefined;
  /** Where packages come from, if given. */
  imports: ImportKind | undefined;
}

/** @throws Failure if a file cannot be read, or cannot be changed as needed */
export async function makePlan(
  supabase: string,
  release: Release,
  wishes: Wishes,
): Promise<Plan> {
  const manifest = await readManifest(supabase);
  const functionName = nameOfFunction(manifest, wishes.functionName);
  const plan: Plan = {
    changes: [],
    kept: [],
    copies: [],
    conflicts: [],
    installed: manifest?.release,
    functionName,
  };
  const releaseFiles = new Map(
    [...release.files].map(([path, text]) => [pathInProject(path, functionName), text]),
  );
  requireKnown(wishes.restore, releaseFiles);
  const read = (path: string) => readText(join(supabase, path));
  const change = (
    path: string,
    before: string | undefined,
    after: string | undefined,
  ) => {
    if (before !== after) {
      plan.changes.push({ path, before, after, secret: path === secretsFile });
    }
  };

  const files: Record<string, string> = {};
  for (const [path, after] of releaseFiles) {
    const before = await read(path);
    const put = manifest?.files[path];
    const isRestored = wishes.restore.includes(path);
    if (isRestored && before !== undefined && ![put, hashOf(after)].includes(hashOf(before))) {
      const copy = await copyName(path, before, read);
      plan.copies.push({ path, copy });
      change(copy, await read(copy), before);
    }
    const decision = isRestored
      ? { kind: "put" } as const
      : decide(path, before, after, put, wishes.keepChanged);
    if (decision.kind === "put") change(path, before, after);
    if (decision.kind === "keep") plan.kept.push({ path, why: decision.why });
    if (decision.kind === "conflict") {
      plan.conflicts.push({
        path,
        why: decision.why,
        before: before ?? "",
        after,
        isOurs: put !== undefined,
      });
    }
    // For a kept file: the release that it was changed from, so that the next upgrade asks again.
    files[path] = decision.kind === "keep" && put ? put : hashOf(after);
  }
  for (const [path, put] of Object.entries(manifest?.files ?? {})) {
    if (releaseFiles.has(path)) continue;
    const before = await read(path);
    // An applied migration stays: the Supabase CLI compares the folder with the database's history.
    if (before === undefined || path.startsWith("migrations/")) continue;
    if (hashOf(before) === put) change(path, before, undefined);
    else {plan.kept.push({
        path,
        why: "no longer part of the release, but changed by you",
      });}
  }

  const profiles = await read(profilesPath);
  if (profiles === undefined) {
    change(profilesPath, undefined, profilesFile(wishes.starter));
  } else plan.kept.push({ path: profilesPath, why: "yours" });

  const importsKind = wishes.imports ?? manifest?.imports_from ?? "esm.sh";
  const wanted = importsFrom(importsKind, release.imports);
  const importMap = await read(importMapFile);
  const nextImportMap = withImports(importMap, wanted, manifest?.imports ?? {});
  change(importMapFile, importMap, nextImportMap);
  const config = await read("config.toml");
  if (config === undefined) {
    throw new Failure("Cannot read supabase/config.toml: it does not exist");
  }
  const migrations = [...releaseFiles.keys()].filter((path) => path.startsWith("migrations/"));
  change(
    "config.toml",
    config,
    withSchemaPaths(withFunctionSections(config, functionsNamed(functionName)), migrations),
  );
  const names = profiles === undefined ? starterSecrets(wishes.starter) : [];
  const env = await read(secretsFile);
  const required = [
    "OPENAI_API_KEY",
    "OPENAI_WEBHOOK_SECRET",
    workerSecret,
    ...names,
  ];
  change(secretsFile, env, withSecrets(env, required, wishes.secrets));
  const ignored = await read(".gitignore");
  change(".gitignore", ignored, withIgnored(ignored));

  const next: Manifest = {
    release: release.version,
    files,
    imports: Object.fromEntries(
      Object.entries(readImportMap(nextImportMap).imports).filter(([name, address]) =>
        wanted[name] === address
      ),
    ),
    imports_from: importsKind,
    function_name: functionName,
  };
  const written = await read(manifestFile);
  change(manifestFile, written, writeManifest(next));
  return plan;
}

/** The name does not change after the first init, because clients call the function by it. */
function nameOfFunction(manifest: Manifest | undefined, wanted: string | undefined): string {
  const now = manifest?.function_name;
  if (wanted === undefined || now === undefined || wanted === now) {
    return now ?? wanted ?? defaultFunctionName;
  }
  throw new Failure(
    `Cannot rename the function: it is called '${now}' in this project, and clients call it by that name`,
    { hint: "Leave --function-name out", exitCode: 2 },
  );
}

function requireKnown(restore: readonly string[], files: ReadonlyMap<string, string>): void {
  const unknown = restore.find((path) => !files.has(path));
  if (unknown === undefined) return;
  const named = posix.join("supabase", unknown);
  throw new Failure(`Cannot restore ${named}: the release has no such file`, {
    hint: unknown === profilesPath
      ? "It is your own file: restore it from version control"
      : "Give the path as init shows it, such as supabase/functions/run-jobs/index.ts",
    exitCode: 2,
  });
}
