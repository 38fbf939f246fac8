import type { JWK } from "@supabase/supabase-js";
import { isRecord } from "../model/is-record.ts";
import { RequestError } from "./errors.ts";
import { howToSet } from "./how-to-set.ts";
import { rememberCredential } from "./redact.ts";
import { atLeast, hasNoUser, isAddress, isHeaderValue, matching, Variables } from "./variables.ts";

export interface Environment {
  supabaseUrl: string;
  /** The same project's address as OpenAI can reach it. */
  publicUrl: string;
  /** The key that this function uses. */
  secretKey: string;
  /** Every key that makes its bearer a server, including the legacy service_role key. */
  secretKeys: string[];
  /** Keys that identify the project, not the caller. */
  publicKeys: string[];
  /** The project's public keys; undefined if the platform gave none. */
  jwks: { keys: JWK[] } | undefined;
  /** Who may have issued a user's token; undefined if that cannot be known, see issuersOf. */
  jwtIssuers: string[] | undefined;
  /** The audience that a user's token must have. */
  jwtAudience: string;
  openaiKey: string;
  openaiBaseUrl: string | undefined;
  /** The organization or project that usage counts for, if the key has several. */
  openaiOrganization: string | undefined;
  openaiProject: string | undefined;
  webhookSecret: string | undefined;
  workerSecret: string;
  /** Hosts, with or without a port, of MCP servers that a worker may connect to although they are private or use http. */
  mcpHosts: ReadonlySet<string>;
  /** How long the platform lets a worker live, in ms. */
  wallClockMs: number;
  /** How long a lease lasts, in ms. A dead worker is noticed after this time at the latest. */
  leaseMs: number;
  /**
   * How many runs a worker has at a time. A streamed run costs 60–100 ms of CPU (bench/cpu), and a platform worker has 2 s.
   * With 8 runs in progress, all of them can still finish when the CPU warning comes.
   */
  concurrency: number;
}

let parsed: Environment | undefined;

/**
 * The function's environment, parsed once, on first use.
 * @throws RequestError `not_configured`, naming the variables that are missing or wrong
 */
export function environment(): Environment {
  return parsed ??= parseEnvironment(Deno.env.toObject());
}

/** Parses the variables that docs/operating.md lists. Exported for tests. */
export function parseEnvironment(variables: Record<string, string>): Environment {
  const read = new Variables(variables);
  const keysIn = (name: string) => read.json(name, "a JSON object of strings", textsIn) ?? [];
  const secretKeys = [...keysIn("SUPABASE_SECRET_KEYS"), variables["SUPABASE_SERVICE_ROLE_KEY"]];
  const publicKeys = [...keysIn("SUPABASE_PUBLISHABLE_KEYS"), variables["SUPABASE_ANON_KEY"]];
  const supabaseUrl = read.required("SUPABASE_URL", isAddress).replace(/\/+$/, "");
  const publicUrl = read.optional("DURABLE_RESPONSES_PUBLIC_URL", isAddress)?.replace(/\/+$/, "");
  const hosts = read.optional("DURABLE_RESPONSES_MCP_HOSTS", areHosts) ?? "";
  const found = {
    supabaseUrl,
    publicUrl: publicUrl ?? supabaseUrl,
    secretKeys: secretKeys.filter(present),
    publicKeys: publicKeys.filter(present),
    jwks: variables["SUPABASE_JWKS"]
      ? read.json("SUPABASE_JWKS", "a JSON Web Key Set", keySetIn)
      : undefined,
    jwtIssuers: issuersOf(read.optional("DURABLE_RESPONSES_JWT_ISSUER"), supabaseUrl),
    jwtAudience: read.optional("DURABLE_RESPONSES_JWT_AUDIENCE") || "authenticated",
    openaiKey: read.required("OPENAI_API_KEY", atLeast(1), isHeaderValue),
    openaiBaseUrl: read.optional("OPENAI_BASE_URL", isAddress, hasNoUser),
    openaiOrganization: read.optional("OPENAI_ORG_ID", isHeaderValue),
    openaiProject: read.optional("OPENAI_PROJECT_ID", isHeaderValue),
    webhookSecret: read.optional("OPENAI_WEBHOOK_SECRET"),
    workerSecret: read.required("DURABLE_RESPONSES_WORKER_SECRET", atLeast(16)),
    mcpHosts: new Set(hosts.toLowerCase().split(/[\s,]+/).filter(present)),
    wallClockMs: read.number("DURABLE_RESPONSES_WALL_CLOCK_S", 150, { above: 0 }) * 1000,
    leaseMs: read.number("DURABLE_RESPONSES_LEASE_S", 30, { from: 1, to: 600 }) * 1000,
    concurrency: read.number("DURABLE_RESPONSES_CONCURRENCY", 8, { from: 1, to: 100, whole: true }),
  };
  if (read.wrong.length > 0) {
    throw new RequestError(
      "not_configured",
      `Cannot start: environment variables are missing or wrong: ${read.wrong.join(", ")}`,
      { hint: howToSet("NAME=value") },
    );
  }
  const secretKey = found.secretKeys[0];
  if (secretKey === undefined) {
    throw new RequestError(
      "not_configured",
      "Cannot start: the platform gave neither SUPABASE_SECRET_KEYS nor SUPABASE_SERVICE_ROLE_KEY",
      { hint: "Create a secret API key in the dashboard under Settings > API keys" },
    );
  }
  // Two during a rotation.
  const webhookSecrets = found.webhookSecret?.split(/[\s,]+/) ?? [];
  [...found.secretKeys, found.openaiKey, ...webhookSecrets, found.workerSecret].filter(present)
    .forEach(rememberCredential);
  return { ...found, secretKey };
}

/** API keys in the platform's form: `{"default": "sb_secret_…"}`. */
function textsIn(value: unknown): string[] | undefined {
  const texts = isRecord(value) ? Object.values(value) : [undefined];
  return texts.every((text) => typeof text === "string") ? texts : undefined;
}

function keySetIn(value: unknown): { keys: JWK[] } | undefined {
  const keys = isRecord(value) && Array.isArray(value["keys"]) ? value["keys"].map(keyIn) : [null];
  return keys.every((key) => key !== null) ? { keys } : undefined;
}

function keyIn(value: unknown): JWK | null {
  if (!isRecord(value)) return null;
  // key_ops is optional in RFC 7517, but required by supabase-js's type.
  const { kty, key_ops: ops = ["verify"] } = value;
  const isKey = typeof kty === "string" && Array.isArray(ops) &&
    ops.every((op) => typeof op === "string");
  return isKey ? { ...value, kty, key_ops: ops } : null;
}

const areHosts = matching(/^[^/]*$/, "must be hosts, like 'mcp.internal, 10.0.0.5:8080'");

/**
 * Auth names itself by the project's public address. On the platform, SUPABASE_URL is that address. Locally and self-hosted
 * it is an internal address, such as `http://kong:8000`, which says nothing about the issuer: there, any token signed with
 * the project's keys is accepted unless the issuer is set. Several issuers, separated by commas, are for the hour after a
 * custom domain was switched on.
 */
function issuersOf(configured: string | undefined, supabaseUrl: string): string[] | undefined {
  const issuers = (configured ?? "").split(",").map((issuer) => issuer.trim()).filter(present);
  if (issuers.length > 0) return issuers;
  return supabaseUrl.startsWith("https:") ? [`${supabaseUrl}/auth/v1`] : undefined;
}

function present(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
