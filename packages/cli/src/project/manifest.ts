/** `supabase/durable-responses.json`: what init has put into the project, so that it can tell its own files from changed ones. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { importKinds } from "../init/import-map.ts";
import { readText } from "./locate.ts";

/** What the function is called that callers call, unless init was told otherwise. */
export const defaultFunctionName = "respond";

export const manifestFile = "durable-responses.json";

// Paths are removed and replaced by it, so none may lead out of the two folders.
const ownPath = z.string().regex(
  /^(functions|migrations)\/(?!.*(^|\/)\.\.?(\/|$))[\w./-]+$/,
);

/** As the platform takes a function's name. */
export const functionName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/);

const schema = z.object({
  release: z.string(),
  /** SHA-256 of each file as it was put there. */
  files: z.record(ownPath, z.string()),
  /** The entries that were put among the import map's `imports`. */
  imports: z.record(z.string(), z.string()),
  /** Where packages come from. */
  imports_from: z.enum(importKinds).default("esm.sh"),
  /** What `respond` is called here. */
  function_name: functionName.default(defaultFunctionName),
});

export type Manifest = z.infer<typeof schema>;

/** The project's manifest; undefined before the first init. @throws Failure when it cannot be understood */
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
        hint:
          "Take it back from version control, or delete it: files that are as they were are found again",
        cause,
      },
    );
  }
}

export function writeManifest(manifest: Manifest): string {
  const files = Object.fromEntries(
    Object.entries(manifest.files).sort(([a], [b]) => a < b ? -1 : 1),
  );
  const about = "Written by npx durable-responses init; commit it, do not edit it";
  return `${JSON.stringify({ about, ...manifest, files }, null, 2)}\n`;
}

/** SHA-256 of a text, line endings aside: a checkout on Windows is no change. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest(
    "hex",
  );
}
