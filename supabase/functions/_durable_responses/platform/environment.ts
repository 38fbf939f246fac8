import * as z from "../model/zod.ts";
import { RequestError } from "./errors.ts";
import { rememberCredential } from "./redact.ts";

/** A JSON dictionary of API keys, in the platform's form: `{"default": "sb_secret_…"}`. */
const keys = z.pipe(
  z._default(z.string(), "{}"),
  z.transform((text, { issues }) => {
    try {
      return Object.values(z.record(z.string(), z.string()).parse(JSON.parse(text)));
    } catch {
      issues.push({ code: "custom", message: "must be a JSON object of strings", input: text });
      return z.NEVER;
    }
  }),
);

const keySet = z.object({
  keys: z.array(z.looseObject({
    kty: z.string(),
    // Optional in RFC 7517, but required by supabase-js's type.
    key_ops: z._default(z.array(z.string()), ["verify"]),
  })),
});
const jwks = z.pipe(
  z.optional(z.string()),
  z.transform((text, { issues }) => {
    if (!text) return undefined;
    try {
      return keySet.parse(JSON.parse(text));
    } catch {
      issues.push({ code: "custom", message: "must be a JSON Web Key Set", input: text });
      return z.NEVER;
    }
  }),
);

/** A valid header value: `fetch` refuses any other, and names neither the variable nor a fix. */
const headerValue = z.string().check(
  z.regex(/^[\x20-\x7e\xa0-\xff]*$/, "must have no line break and only characters of Latin-1"),
);

/** An address that `fetch` can call. It refuses the others with each call, and nothing was ever sent. */
const baseUrl = z.url({ protocol: /^https?$/, error: "must begin with https:// or http://" }).check(
  z.refine((url) => {
    const parsed = URL.parse(url);
    return parsed?.username === "" && parsed.password === "";
  }, "must have no user and no password"),
);

const schema = z.object({
  SUPABASE_URL: z.url(),
  SUPABASE_SECRET_KEYS: keys,
  SUPABASE_PUBLISHABLE_KEYS: keys,
  SUPABASE_SERVICE_ROLE_KEY: z.optional(z.string()),
  SUPABASE_ANON_KEY: z.optional(z.string()),
  SUPABASE_JWKS: jwks,
  OPENAI_API_KEY: headerValue.check(z.minLength(1)),
  OPENAI_BASE_URL: z.optional(baseUrl),
  OPENAI_ORG_ID: z.optional(headerValue),
  OPENAI_PROJECT_ID: z.optional(headerValue),
  OPENAI_WEBHOOK_SECRET: z.optional(z.string()),
  DURABLE_RESPONSES_WORKER_SECRET: z.string().check(z.minLength(16)),
  DURABLE_RESPONSES_JWT_ISSUER: z.optional(z.string()),
  DURABLE_RESPONSES_JWT_AUDIENCE: z.optional(z.string()),
  DURABLE_RESPONSES_PUBLIC_URL: z.optional(z.url()),
  DURABLE_RESPONSES_MCP_HOSTS: z.optional(
    z.string().check(z.regex(/^[^/]*$/, "must be hosts, like 'mcp.internal, 10.0.0.5:8080'")),
  ),
  DURABLE_RESPONSES_WALL_CLOCK_S: z._default(z.coerce.number().check(z.positive()), 150),
  DURABLE_RESPONSES_LEASE_S: z._default(z.coerce.number().check(z.minimum(1), z.maximum(600)), 30),
  DURABLE_RESPONSES_CONCURRENCY: z._default(
    z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)),
    8,
  ),
});

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
  jwks: z.infer<typeof jwks>;
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
  const result = schema.safeParse(variables);
  if (!result.success) {
    const wrong = result.error.issues.map((i) => `${i.path.join(".")} (${i.message})`).join(", ");
    throw new RequestError(
      "not_configured",
      `Cannot start: environment variables are missing or wrong: ${wrong}`,
      {
        hint: "Set them with `supabase secrets set NAME=value`; docs/operating.md lists them",
      },
    );
  }
  const env = result.data;
  const secretKeys = [...env.SUPABASE_SECRET_KEYS, env.SUPABASE_SERVICE_ROLE_KEY].filter(present);
  const secretKey = secretKeys[0];
  if (!secretKey) {
    throw new RequestError(
      "not_configured",
      "Cannot start: the platform gave neither SUPABASE_SECRET_KEYS nor SUPABASE_SERVICE_ROLE_KEY",
      {
        hint: "Create a secret API key in the dashboard under Settings > API keys",
      },
    );
  }
  const secrets = [
    ...secretKeys,
    env.OPENAI_API_KEY,
    // Two during a rotation.
    ...(env.OPENAI_WEBHOOK_SECRET?.split(/[\s,]+/) ?? []),
    env.DURABLE_RESPONSES_WORKER_SECRET,
  ];
  secrets.filter(present).forEach(rememberCredential);
  const supabaseUrl = env.SUPABASE_URL.replace(/\/+$/, "");
  return {
    supabaseUrl,
    publicUrl: env.DURABLE_RESPONSES_PUBLIC_URL?.replace(/\/+$/, "") ?? supabaseUrl,
    secretKey,
    secretKeys,
    publicKeys: [...env.SUPABASE_PUBLISHABLE_KEYS, env.SUPABASE_ANON_KEY].filter(present),
    jwks: env.SUPABASE_JWKS,
    jwtIssuers: issuersOf(env.DURABLE_RESPONSES_JWT_ISSUER, supabaseUrl),
    jwtAudience: env.DURABLE_RESPONSES_JWT_AUDIENCE || "authenticated",
    openaiKey: env.OPENAI_API_KEY,
    openaiBaseUrl: env.OPENAI_BASE_URL,
    openaiOrganization: env.OPENAI_ORG_ID,
    openaiProject: env.OPENAI_PROJECT_ID,
    webhookSecret: env.OPENAI_WEBHOOK_SECRET,
    workerSecret: env.DURABLE_RESPONSES_WORKER_SECRET,
    mcpHosts: new Set(
      (env.DURABLE_RESPONSES_MCP_HOSTS ?? "").toLowerCase().split(/[\s,]+/).filter(present),
    ),
    wallClockMs: env.DURABLE_RESPONSES_WALL_CLOCK_S * 1000,
    leaseMs: env.DURABLE_RESPONSES_LEASE_S * 1000,
    concurrency: env.DURABLE_RESPONSES_CONCURRENCY,
  };
}

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
