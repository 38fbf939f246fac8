/** What supabase/config.toml says about each function. */
import { parse } from "deno-std/toml/parse.js";
import { z } from "zod";

const configFile = z.object({
  functions: z.record(z.string(), z.object({ verify_jwt: z.boolean().default(true) })).default({}),
});

/** Whether the gateway checks the token of a function's callers; true unless config.toml says otherwise. */
export type VerifiesJwt = (functionName: string) => boolean;

/** Reads `[functions.<name>] verify_jwt`. Throws when the file is missing or is no such TOML. */
export async function readFunctionSettings(configPath: string): Promise<VerifiesJwt> {
  const { functions } = configFile.parse(parse(await Deno.readTextFile(configPath)));
  return (name) => functions[name]?.verify_jwt ?? true;
}
