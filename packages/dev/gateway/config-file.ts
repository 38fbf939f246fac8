/** Reads supabase/config.toml. Where it cannot be read, the message names the file and the place in it. */
import { parse } from "deno-std/toml/parse.js";
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../message-of.ts";

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
    const why = cause instanceof Deno.errors.NotFound
      ? "it does not exist. Run npx supabase init, or give the folder that contains supabase/"
      : `${messageOf(cause)}. Fix that place in the file, then start again`;
    // The message says all that the cause does.
    throw new Error(`Cannot read ${name}: ${why}`);
  }
}
