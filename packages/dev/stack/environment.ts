/** The environment of the functions, as the platform and an operator's secrets would make it. */
import type { ApiKeys } from "../auth/keys.ts";
import type { StackSecrets } from "./secrets.ts";

export interface EnvironmentParts {
  apiUrl: string;
  dbUrl: string;
  keys: ApiKeys;
  secrets: StackSecrets;
  openai: { apiKey: string; baseUrl?: string | undefined };
  mailboxUrl: string;
  everythingUrl: string;
  wallClockMs: number;
}

export function functionEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { keys, secrets, openai } = parts;
  return {
    SUPABASE_URL: parts.apiUrl,
    SUPABASE_DB_URL: parts.dbUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secretKey }),
    SUPABASE_JWKS: JSON.stringify(keys.publicJwks),
    SUPABASE_ANON_KEY: keys.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceRoleKey,
    SB_REGION: "local",
    OPENAI_API_KEY: openai.apiKey,
    ...(openai.baseUrl && { OPENAI_BASE_URL: openai.baseUrl }),
    OPENAI_WEBHOOK_SECRET: secrets.webhookSecret,
    DURABLE_RESPONSES_WORKER_SECRET: secrets.workerSecret,
    DURABLE_RESPONSES_WALL_CLOCK_S: String(parts.wallClockMs / 1000),
    MAILBOX_MCP_URL: parts.mailboxUrl,
    MAILBOX_MCP_TOKEN: secrets.mailboxToken,
    EVERYTHING_MCP_URL: parts.everythingUrl,
    // Both listen on this machine, by http.
    DURABLE_RESPONSES_MCP_HOSTS: "127.0.0.1",
  };
}
