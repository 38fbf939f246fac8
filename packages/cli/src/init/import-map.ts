/** The functions' entries in supabase/functions/import_map.json, beside those of the project's own functions. */
import { z } from "zod";
import { Failure } from "../failure.ts";
import { importMapFile } from "../project/release.ts";

const schema = z.looseObject({
  imports: z.record(z.string(), z.string()).default({}),
});

/**
 * The import map with `entries` in it; undefined values of `text` mean that there is none yet.
 * @param put what an earlier init put there: only those entries may be replaced
 * @throws Failure when it is no import map, or names another version of a package
 */
export function withImports(
  text: string | undefined,
  entries: Readonly<Record<string, string>>,
  put: Readonly<Record<string, string>>,
): string {
  const map = readMap(text ?? "{}");
  const imports = { ...map.imports };
  for (const [name, url] of Object.entries(put)) {
    if (imports[name] === url && !(name in entries)) delete imports[name];
  }
  for (const [name, url] of Object.entries(entries)) {
    const there = imports[name];
    if (there !== undefined && there !== url && there !== put[name]) {
      throw new Failure(
        `Cannot add to supabase/${importMapFile}: it maps '${name}' to '${there}', and the functions are tested with '${url}'`,
        {
          hint:
            `Give your own functions an import map of their own, or change the entry to '${url}'`,
        },
      );
    }
    imports[name] = url;
  }
  const after = `${JSON.stringify({ ...map, imports }, null, 2)}\n`;
  const same = text !== undefined &&
    JSON.stringify(readMap(text)) === JSON.stringify({ ...map, imports });
  return same ? text : after;
}

function readMap(text: string): z.infer<typeof schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure(
      `Cannot read supabase/${importMapFile}: it must be JSON with 'imports' of strings`,
      { cause },
    );
  }
}
