/** Which project a command talks to, and with which key. */
import process from "node:process";
import { readFile } from "node:fs/promises";
import { errorCode, Failure } from "../failure.ts";
import { readEnv, readSecrets } from "../init/secrets-file.ts";
import { findProject, linkedUrl } from "../project/locate.ts";
import { defaultFunctionName, readManifest } from "../project/manifest.ts";
import { askSecret } from "../terminal/ask.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface ConnectionOptions {
  cwd: string;
  /** The project's URL. Default: SUPABASE_URL, or the project that the folder is linked to. */
  url?: string;
  /** A file with SUPABASE_URL, SUPABASE_SECRET_KEY and the functions' secrets. */
  secretsFile?: string;
}

export interface Connection {
  /** Without a trailing slash. */
  url: string;
  /** `sb_secret_…`, or the legacy service_role key. */
  key: string;
  /** Values from the environment, `secretsFile` and the project's secrets file, in this order of precedence. */
  secrets: Readonly<Record<string, string | undefined>>;
  /** The project's folder `supabase/`, if there is one. */
  supabase: string | undefined;
  /** The name of `respond` in the project. */
  functionName: string;
}

/** @throws Failure if the project or the key is not known */
export async function connect(
  terminal: Terminal,
  options: ConnectionOptions,
): Promise<Connection> {
  const supabase = await findProject(options.cwd);
  const secrets = await readAllSecrets(supabase, options.secretsFile);
  const url = await requireUrl(supabase, secrets, options.url);
  const key = keyIn(secrets) ??
    (terminal.interactive ? await askSecret("Secret key (sb_secret_…) of the project") : undefined);
  if (!key) {
    throw new Failure(
      "Cannot sign in to the project: SUPABASE_SECRET_KEY is not set",
      {
        hint:
          "Copy it from the dashboard under Settings > API Keys, then run SUPABASE_SECRET_KEY=sb_secret_… npx durable-responses …",
        exitCode: 2,
      },
    );
  }
  if (key.startsWith("sb_publishable_")) {
    throw new Failure(
      "Cannot use this key: it is a publishable key, and this command needs a secret key (sb_secret_…)",
      {
        exitCode: 2,
      },
    );
  }
  return await connectionTo(url, key, secrets, supabase);
}

/** The same for a command that works without: undefined if URL or key is unknown. It does not ask for them. */
export async function connectIfKnown(
  supabase: string,
  secrets: Connection["secrets"],
): Promise<Connection | undefined> {
  const url = await knownUrl(supabase, secrets);
  const key = keyIn(secrets);
  if (!url || !isWebAddress(url) || !key) return undefined;
  return await connectionTo(url, key, secrets, supabase);
}

async function connectionTo(
  url: string,
  key: string,
  secrets: Connection["secrets"],
  supabase: string | undefined,
): Promise<Connection> {
  const manifest = supabase === undefined ? undefined : await readManifest(supabase);
  return {
    url: url.replace(/\/+$/, ""),
    key,
    secrets,
    supabase,
    functionName: manifest?.function_name ?? defaultFunctionName,
  };
}

/** The project's URL. @throws Failure if it is not known */
export async function requireUrl(
  supabase: string | undefined,
  secrets: Connection["secrets"],
  given?: string,
): Promise<string> {
  const url = await knownUrl(supabase, secrets, given);
  if (!url) {
    throw new Failure(
      "Cannot tell which project to use: there is no --url and no SUPABASE_URL, and this folder is not linked",
      {
        hint:
          "Add --url https://<project-ref>.supabase.co, run npx supabase link, or source the env file of a dev that runs",
        exitCode: 2,
      },
    );
  }
  if (!isWebAddress(url)) {
    throw new Failure(
      `Cannot use '${url}' as the project's URL: it must look like https://<project-ref>.supabase.co`,
      {
        exitCode: 2,
      },
    );
  }
  return url;
}

async function knownUrl(
  supabase: string | undefined,
  secrets: Connection["secrets"],
  given?: string,
): Promise<string | undefined> {
  return given ?? secrets["SUPABASE_URL"] ?? (supabase && await linkedUrl(supabase));
}

export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

const keyIn = (secrets: Connection["secrets"]) =>
  secrets["SUPABASE_SECRET_KEY"] ?? secrets["SUPABASE_SERVICE_ROLE_KEY"];

/** Values from the environment, `file` and the project's secrets file, in this order of precedence. */
export async function readAllSecrets(
  supabase: string | undefined,
  file: string | undefined,
): Promise<Record<string, string | undefined>> {
  return {
    ...(supabase && await readSecrets(supabase)),
    ...(file !== undefined && await readEnvFile(file)),
    ...process.env,
  };
}

async function readEnvFile(path: string): Promise<Record<string, string>> {
  try {
    return readEnv(await readFile(path, "utf8"));
  } catch (cause) {
    throw new Failure(
      `Cannot read '${path}': ${errorCode(cause) ?? String(cause)}`,
      { hint: "Name a file with lines like SUPABASE_SECRET_KEY=sb_secret_…", exitCode: 2, cause },
    );
  }
}
