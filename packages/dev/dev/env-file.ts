/** The file to source in another terminal, or to load in a frontend or a test: where the stack is, and as whom to ask it. */
import { join } from "node:path";
import type { SignedInUser } from "../auth/auth.ts";
import type { Stack } from "../stack/options.ts";
import { ifThere } from "../if-there.ts";

/** Within the project; `init` has git ignore it. */
export const envFile = join("supabase", ".env.durable-responses-dev.local");

/** @returns its path from the project's folder */
export async function writeEnvFile(
  project: string,
  stack: Stack,
  user: SignedInUser,
): Promise<string> {
  const values = {
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_PUBLISHABLE_KEY: stack.publishableKey,
    SUPABASE_SECRET_KEY: stack.secretKey,
    SUPABASE_ANON_KEY: stack.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: stack.serviceRoleKey,
    SUPABASE_DB_URL: stack.dbUrl,
    // Not OPENAI_…: whoever has sourced the file and starts the stack again means the stand-in, not another server.
    ...(stack.openai && {
      OPENAI_STAND_IN_URL: stack.openai.url,
      OPENAI_STAND_IN_KEY: stack.openai.apiKey,
    }),
    DEV_USER_EMAIL: user.email,
    DEV_USER_PASSWORD: user.password,
    DEV_USER_TOKEN: user.token,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'`);
  const head =
    "# Written by npx durable-responses dev at each start. The token is good for an hour.";
  // A file that is there keeps its mode, so it is written anew.
  const path = join(project, envFile);
  await ifThere(Deno.remove(path));
  await Deno.writeTextFile(path, `${[head, ...lines].join("\n")}\n`, { mode: 0o600 });
  return envFile;
}
