/** The file to source in another terminal, or to load in a frontend or a test: where the stack is, and as whom to ask it. */
import { join } from "node:path";
import type { SignedInUser } from "../auth/auth.ts";
import type { Stack } from "../stack/options.ts";
import { HeldElsewhere, holder, holdFile, howToStop, rewrite } from "../hold-file.ts";
import { beforeExit } from "../shutdown.ts";

/** Within the project; `init` has git ignore it. */
export const envFile = join("supabase", ".env.durable-responses-dev.local");

const mcpSecrets = ["MAILBOX_MCP_URL", "MAILBOX_MCP_TOKEN", "EVERYTHING_MCP_URL"];

/** Writes what the stack is, and returns the file's path from the project's folder. */
export type WriteEnvFile = (stack: Stack, user: SignedInUser) => Promise<string>;

/**
 * Takes the project's file for this run: a second run of the same project would send whoever has sourced the file to another
 * database.
 * @throws Error naming the run that has it
 */
export async function holdEnvFile(project: string): Promise<WriteEnvFile> {
  const file = await holdFile(join(project, envFile)).catch((error: unknown) => {
    if (!(error instanceof HeldElsewhere)) throw error;
    const who = error.pid === undefined ? "" : ` (process ${error.pid})`;
    throw new Error(
      `Cannot run the project: another dev runs it already${who}. To stop it, ${howToStop(error)}`,
    );
  });
  beforeExit(() => Promise.resolve(file.close()));
  return async (stack, user) => {
    await rewrite(file, textOf(stack, user));
    return envFile;
  };
}

function textOf(stack: Stack, user: SignedInUser): string {
  const values = {
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_PUBLISHABLE_KEY: stack.publishableKey,
    SUPABASE_SECRET_KEY: stack.secretKey,
    SUPABASE_ANON_KEY: stack.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: stack.serviceRoleKey,
    SUPABASE_DB_URL: stack.dbUrl,
    // Not OPENAI_API_KEY: whoever has sourced the file and starts the stack again means the stand-in, not another server.
    // Dev does not read it from its environment either: doctor signs a webhook with it.
    OPENAI_WEBHOOK_SECRET: stack.webhookSecret,
    ...(stack.openai && {
      OPENAI_STAND_IN_URL: stack.openai.url,
      OPENAI_STAND_IN_KEY: stack.openai.apiKey,
    }),
    // For `check` and `doctor`: the functions have these.
    ...Object.fromEntries(
      mcpSecrets.map((name) => [name, stack.functionEnvironment[name]]),
    ),
    DEV_USER_EMAIL: user.email,
    DEV_USER_PASSWORD: user.password,
    DEV_USER_TOKEN: user.token,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'`);
  return [
    "# Written by npx durable-responses dev at each start. The token is good for an hour.",
    holder(),
    ...lines,
    "",
  ].join("\n");
}
