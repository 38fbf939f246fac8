/** Schemas must be of zod 4. A project may have zod 3 for its own functions. */
import type * as z from "../model/zod.ts";

export function isZod4(value: unknown): value is z.$ZodType {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/** What to do about a schema that is not of zod 4. */
export function toZod4(value: unknown): string {
  return isZod3(value)
    ? 'It is one of zod 3. Import zod 4 in the file that makes it: `import { z } from "npm:zod@4"`, or give that file a scope in supabase/functions/import_map.json, as ./_shared/profiles.ts has'
    : 'Use version 4 of zod: `import { z } from "zod"`, then z.object({ … })';
}

function isZod3(value: unknown): boolean {
  return typeof value === "object" && value !== null && "_def" in value && "safeParse" in value;
}
