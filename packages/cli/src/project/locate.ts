/** Finds the Supabase project that a command was started in. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { errorCode, Failure } from "../failure.ts";

/** A folder and all above it, the nearest first. */
export function foldersFrom(start: string): string[] {
  const parent = dirname(start);
  return parent === start ? [start] : [start, ...foldersFrom(parent)];
}

/**
 * The folder `supabase/` of the project that contains `start`, searched upwards as the Supabase CLI does; undefined if there
 * is none.
 */
export async function findProject(start: string): Promise<string | undefined> {
  for (const folder of foldersFrom(resolve(start))) {
    if (await isFile(join(folder, "supabase", "config.toml"))) return join(folder, "supabase");
  }
  return undefined;
}

/**
 * The same as findProject.
 * @throws Failure if there is no project
 */
export async function requireProject(start: string): Promise<string> {
  const found = await findProject(start);
  if (found) return found;
  throw new Failure(
    `Cannot find a Supabase project: neither '${
      resolve(start)
    }' nor a folder above it has supabase/config.toml`,
    { hint: "Go to your project's folder, or create one: npx supabase init" },
  );
}

/**
 * A text file's content; undefined if it does not exist.
 * @throws Failure if it cannot be read
 */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") {
      return undefined;
    }
    throw new Failure(
      `Cannot read '${path}': ${errorCode(error) ?? String(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** URL of the hosted project that `supabase link` recorded; undefined if the folder is not linked. */
export async function linkedUrl(supabase: string): Promise<string | undefined> {
  const ref = (await readText(join(supabase, ".temp", "project-ref")))?.trim();
  return ref && /^[a-z0-9]{20}$/.test(ref) ? `https://${ref}.supabase.co` : undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(errorCode(error) ?? "")) {
      return false;
    }
    throw error;
  }
}
