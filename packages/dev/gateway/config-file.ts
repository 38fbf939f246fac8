/** Reads supabase/config.toml. Where it cannot be read, the message names the file and the place in it. */
import { join } from "node:path";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";

const name = "supabase/config.toml";

/** @throws Error for a person, if the file is missing, is no TOML or does not fit */
export async function readConfig<T extends z.ZodType>(
  project: string,
  schema: T,
): Promise<z.output<T>> {
  const read = schema.safeParse(await tomlOf(project));
  if (read.success) return read.data;
  throw new Error(`Cannot read ${name}: ${z.prettifyError(read.error)}`);
}

async function tomlOf(project: string): Promise<unknown> {
  try {
    return parse(await Deno.readTextFile(join(project, "supabase", "config.toml")));
  } catch (cause) {
    const why = reason(cause);
    if (why === undefined) throw cause;
    // The message says all that the cause does.
    throw new Error(`Cannot read ${name}: ${why}`);
  }
}

/** In the words of the CLI, which reads the file with the same parser. */
function reason(cause: unknown): string | undefined {
  if (cause instanceof Deno.errors.NotFound) {
    return "it does not exist. Run npx supabase init, or give the folder that contains supabase/";
  }
  if (!(cause instanceof TomlError)) return undefined;
  const place = `line ${cause.line}, column ${cause.column}`;
  const [what] = cause.message.split("\n");
  return `${what} (${place}). Fix that place in the file, then start again`;
}
