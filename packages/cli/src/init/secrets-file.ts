/** `supabase/.env.durable-responses.local`: the functions' secrets, for `supabase secrets set --env-file`; never committed. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { readText } from "../project/locate.ts";

export const secretsFile = ".env.durable-responses.local";
export const workerSecret = "DURABLE_RESPONSES_WORKER_SECRET";
/** What keeps that file out of git; new projects of the Supabase CLI have it already. */
const ignored = ".env.*.local";

const what: Record<string, string> = {
  OPENAI_API_KEY: "From https://platform.openai.com/api-keys",
  OPENAI_WEBHOOK_SECRET: "whsec_…: what OpenAI shows when you add the webhook",
  [workerSecret]: "Wakes run-jobs and nothing else; made by init",
};

/** The project's secrets file as names and values; empty when there is none. */
export async function readSecrets(
  supabase: string,
): Promise<Record<string, string>> {
  const text = await readText(join(supabase, secretsFile));
  return text === undefined ? {} : readEnv(text);
}

/** As `.env` files are read; names without a value are left out. */
export function readEnv(text: string): Record<string, string> {
  const pairs = Object.entries(parseEnv(text)).flatMap(([name, value]) =>
    value ? [[name, value] as const] : []
  );
  return Object.fromEntries(pairs);
}

/** The file with a line for each name that it does not have yet; what is there stays as it is. */
export function withSecrets(
  text: string | undefined,
  names: string[],
  values: Readonly<Record<string, string>>,
): string {
  const known = parseEnv(text ?? "");
  const added = names.filter((name) => !(name in known)).flatMap((name) => [
    ...(what[name] ? [`# ${what[name]}`] : []),
    `${name}=${
      values[name] ??
        (name === workerSecret ? randomBytes(32).toString("base64url") : "")
    }`,
  ]);
  if (added.length === 0) return text ?? "";
  const before = text === undefined || text === "" || text.endsWith("\n")
    ? text ?? ""
    : `${text}\n`;
  return `${before}${added.join("\n")}\n`;
}

/** .gitignore with the secrets file in it. */
export function withIgnored(text: string | undefined): string {
  const lines = (text ?? "").split(/\r?\n/);
  if (
    lines.some((line) => [ignored, secretsFile, ".env*"].includes(line.trim()))
  ) {
    return text ?? "";
  }
  const before = !text || text.endsWith("\n") ? text ?? "" : `${text}\n`;
  return `${before}${ignored}\n`;
}
