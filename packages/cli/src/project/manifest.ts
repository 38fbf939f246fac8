/**
 * `supabase/durable-responses.json`: what init put into the project, so that it can recognize its own files and changes to
 * them.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { importKinds } from "../init/import-map.ts";
import { readText } from "./locate.ts";

/** The name of the function that clients call, unless init was given another. */
export const defaultFunctionName = "respond";

export const manifestFile = "durable-responses.json";

// init replaces and removes the files that it names, so no path may lead out of the two folders.
const ownPath = z.string().regex(
  /^(functions|migrations)\/(?!.*(^|\/)\.\.?(\/|$))[\w./-]+$/,
);

/** A valid function name on the platform. */
export const functionName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/);

const schema = z.object({
  release: z.string(),
  /** SHA-256 of each file as init wrote it. */
  files: z.record(ownPath, z.string()),
  /** The entries that init added to the import map's `imports`. */
  imports: z.record(z.string(), z.string()),
  /** Where packages come from. */
  imports_from: z.enum(importKinds).default("esm.sh"),
  /** The name of `respond` in this project. */
  function_name: functionName.default(defaultFunctionName),
});

export type Manifest = z.infer<typeof schema>;

/**
 * The project's manifest; undefined before the first init.
 * @throws Failure if it is not valid
 */
export async function readManifest(
  supabase: string,
): Promise<Manifest | undefined> {
  const text = await readText(join(supabase, manifestFile));
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure(
      `Cannot read supabase/${manifestFile}: it is not what init wrote`,
      {
        hint: "Restore it from version control, or delete it: unchanged files are recognized again",
        cause,
      },
    );
  }
}

export function writeManifest(manifest: Manifest): string {
  const files = Object.fromEntries(
    Object.entries(manifest.files).sort(([a], [b]) => a < b ? -1 : 1),
  );
  const about = "Written by npx durable-responses init. Commit it, but do not edit it";
  return `${JSON.stringify({ about, ...manifest, files }, null, 2)}\n`;
}

/** SHA-256 of a text, ignoring line endings: a checkout on Windows is not a change. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest(
    "hex",
  );
}
