/**
 * The functions in a few files, as the platform bundles them when they are deployed: one that a worker loads at its start, and one
 * for each group of modules that it loads later. Hundreds of modules cost each worker half as much CPU again. The files are kept in
 * the user's cache folder until one of their sources changes.
 */
import { join } from "node:path";
import { z } from "zod";
import { denoEnvironment } from "../child-environment.ts";
import { functionNames } from "../edge/function-names.ts";
import { ifThere } from "../if-there.ts";
import { parseJson } from "../json.ts";
import { moduleFile } from "../packages.ts";
import { hashOf } from "../postgres/template.ts";
import { runProcess } from "../processes.ts";
import { cacheFolder } from "../run-folder.ts";

export interface BundleOptions {
  functionsDir: string;
  /** Absolute path of a module → path of the module that takes its place. */
  replace: Readonly<Record<string, string>>;
}

/** What the program is asked for. */
export const bundleOrder = z.object({
  functionsDir: z.string(),
  names: z.array(z.string()),
  replace: z.record(z.string(), z.string()),
  /** Where it writes what it has made of what. */
  record: z.string(),
});

/** What was made of which files. */
export const bundleRecord = z.object({
  folder: z.string(),
  sources: z.array(z.object({ path: z.string(), mtimeMs: z.number(), size: z.number() })),
});
type BundleRecord = z.infer<typeof bundleRecord>;

const program = moduleFile(import.meta.url, "bundle-program");

/** The folder that holds `<name>/index.mjs` for each function. Throws, with esbuild's words, when one cannot be bundled. */
export async function bundleFunctions({ functionsDir, replace }: BundleOptions): Promise<string> {
  const names = functionNames(functionsDir);
  const key = await hashOf([functionsDir, ...names, ...Object.entries(replace).flat()]);
  const record = join(cacheFolder(), `bundle-${key}.json`);
  const known = await readRecord(record);
  if (known && await isUpToDate(known)) {
    // What nobody uses for a day is removed.
    const now = new Date();
    await Promise.all([record, known.folder].map((path) => Deno.utime(path, now, now)));
    return known.folder;
  }
  // In a process of its own: esbuild leaves a service running, which has the whole environment of whoever started it.
  await runProcess({
    name: "bundle functions",
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--allow-all",
      program,
      JSON.stringify({ functionsDir, names, replace, record }),
    ],
    env: denoEnvironment({ NO_COLOR: "1" }),
  });
  const made = await readRecord(record);
  if (made === undefined) throw new Error(`Cannot find '${record}', which was just written`);
  return made.folder;
}

async function readRecord(file: string): Promise<BundleRecord | undefined> {
  const text = await ifThere(Deno.readTextFile(file));
  return text === undefined ? undefined : bundleRecord.safeParse(parseJson(text)).data;
}

async function isUpToDate({ folder, sources }: BundleRecord): Promise<boolean> {
  if (await ifThere(Deno.stat(folder)) === undefined) return false;
  const same = await Promise.all(sources.map(async ({ path, mtimeMs, size }) => {
    const found = await ifThere(Deno.stat(path));
    return found?.mtime?.getTime() === mtimeMs && found.size === size;
  }));
  return same.every(Boolean);
}
