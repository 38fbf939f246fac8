/** `supabase/.env.durable-responses.local`: the functions' secrets, for `supabase secrets set --env-file`; never committed. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Failure } from "../failure.ts";
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
    envLine(
      name,
      values[name] ??
        (name === workerSecret ? randomBytes(32).toString("base64url") : ""),
    ),
  ]);
  if (added.length === 0) return text ?? "";
  const before = text === undefined || text === "" || text.endsWith("\n")
    ? text ?? ""
    : `${text}\n`;
  return `${before}${added.join("\n")}\n`;
}

/** Means the same to every reader of such files. */
const plain = /^[\w./:@%+=,~-]*$/;
/** Read as it stands by these two: no comment in it, nothing to trim, and no quotes that open. */
const bare = /^[^\s#'"`](?:[^#\n]*[^\s#])?$/;

/**
 * A line that both readers of the file, the Supabase CLI and Node, read as exactly this value. Between single quotes and
 * backticks all stands for itself; between double quotes `\n` does not, and some readers put variables in; without quotes
 * a `#` begins a comment. Before a closing quote, a backslash would take its meaning away.
 */
export function envLine(name: string, value: string): string {
  const candidates = [
    ...(plain.test(value) ? [value] : []),
    ...["'", '"', "`"].filter((quote) =>
      !value.includes(quote) && !value.endsWith("\\") && !(quote === '"' && /[\\$]/.test(value))
    ).map((quote) => `${quote}${value}${quote}`),
    ...(bare.test(value) ? [value] : []),
  ];
  // Line ends are made the same by both.
  const written = candidates.find((each) =>
    !value.includes("\r") && parseEnv(`${name}=${each}\n`)[name] === value
  );
  if (written === undefined) {
    throw new Failure(`Cannot write ${name} into ${secretsFile}: no quotes can hold its value`, {
      hint: "Leave it empty, and set it in the dashboard under Edge Functions, Secrets",
    });
  }
  return `${name}=${written}`;
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
