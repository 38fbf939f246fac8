/** What supabase/config.toml says about each function. */
import { z } from "zod";
import { readConfig } from "./config-file.ts";

const functionSection = z.object({
  verify_jwt: z.boolean().default(true),
  import_map: z.string().optional(),
});
const configFile = z.object({
  functions: z.record(z.string(), functionSection).default({}),
});

/** Whether the gateway checks the token of a function's callers; true unless config.toml says otherwise. */
export type VerifiesJwt = (functionName: string) => boolean;

export interface FunctionSettings {
  verifiesJwt: VerifiesJwt;
  /** Its import map, relative to config.toml. */
  importMap(functionName: string): string | undefined;
}

/** Reads the sections `[functions.<name>]`. Throws when the file is missing or is no such TOML. */
export async function readFunctionSettings(project: string): Promise<FunctionSettings> {
  const { functions } = await readConfig(project, configFile);
  return {
    verifiesJwt: (name) => functions[name]?.verify_jwt ?? true,
    importMap: (name) => functions[name]?.import_map,
  };
}
