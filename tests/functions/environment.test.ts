/** A function's environment: what it must have, and the error if it does not. */
import assert from "node:assert/strict";
import { parseEnvironment } from "../../supabase/functions/_durable_responses/platform/environment.ts";
import { RequestError } from "../../supabase/functions/_durable_responses/platform/errors.ts";
import { redact } from "../../supabase/functions/_durable_responses/platform/redact.ts";

const whole = {
  SUPABASE_URL: "https://abc.supabase.co/",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_one","spare":"sb_secret_two"}',
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_one"}',
  SUPABASE_SERVICE_ROLE_KEY: "legacy-service-role",
  SUPABASE_ANON_KEY: "legacy-anon",
  OPENAI_API_KEY: "openai-key-of-the-test",
  DURABLE_RESPONSES_WORKER_SECRET: "worker-secret-of-the-test",
};

function without(...names: (keyof typeof whole)[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(whole).filter(([name]) => !names.some((left) => left === name)),
  );
}

/** The error for this environment. */
function refusal(variables: Record<string, string>): RequestError {
  try {
    parseEnvironment(variables);
  } catch (error) {
    assert.ok(error instanceof RequestError);
    assert.equal(error.code, "not_configured");
    return error;
  }
  assert.fail("it was accepted");
}

Deno.test("a worker in a process of its own is told where its secrets are", () => {
  assert.equal(
    refusal(without("OPENAI_API_KEY")).hint,
    "Set NAME=value in the environment of the worker's process: it has none of the functions' secrets",
  );
});

Deno.test("a whole environment has every key, old and new", () => {
  const environment = parseEnvironment(whole);
  assert.equal(environment.supabaseUrl, "https://abc.supabase.co");
  assert.equal(environment.secretKey, "sb_secret_one");
  assert.deepEqual(environment.secretKeys, [
    "sb_secret_one",
    "sb_secret_two",
    "legacy-service-role",
  ]);
  assert.deepEqual(environment.publicKeys, ["sb_publishable_one", "legacy-anon"]);
  assert.equal(environment.wallClockMs, 150_000);
});

Deno.test("a project with legacy keys only works", () => {
  const environment = parseEnvironment(without("SUPABASE_SECRET_KEYS"));
  assert.equal(environment.secretKey, "legacy-service-role");
});

Deno.test("a project without any secret key is told where to get one", () => {
  const error = refusal(without("SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY"));
  assert.match(error.message, /SUPABASE_SECRET_KEYS/);
  assert.match(error.hint ?? "", /API keys/);
});

Deno.test("every variable that is missing is named at once", () => {
  const { message } = refusal(without("OPENAI_API_KEY", "DURABLE_RESPONSES_WORKER_SECRET"));
  assert.match(message, /OPENAI_API_KEY/);
  assert.match(message, /DURABLE_RESPONSES_WORKER_SECRET/);
});

for (
  const [name, value] of [
    ["SUPABASE_URL", "abc.supabase.co"],
    ["SUPABASE_SECRET_KEYS", "sb_secret_one"],
    ["SUPABASE_SECRET_KEYS", '["sb_secret_one"]'],
    ["SUPABASE_JWKS", "not json"],
    ["SUPABASE_JWKS", '{"keys":{}}'],
    ["OPENAI_API_KEY", ""],
    ["OPENAI_API_KEY", "sk-with-a-line-break\n"],
    ["OPENAI_API_KEY", "sk-\u201cquoted\u201d"],
    ["OPENAI_ORG_ID", "org-\r\nx-evil: 1"],
    ["OPENAI_PROJECT_ID", "proj-\u0000"],
    ["OPENAI_BASE_URL", "localhost"],
    // `localhost:` is a scheme like any other.
    ["OPENAI_BASE_URL", "localhost:11434/v1"],
    ["OPENAI_BASE_URL", "ftp://models.example/v1"],
    ["OPENAI_BASE_URL", "https://user:password@models.example/v1"],
    ["OPENAI_BASE_URL", "https://token@models.example/v1"],
    ["DURABLE_RESPONSES_WORKER_SECRET", "short"],
    ["DURABLE_RESPONSES_MCP_HOSTS", "http://mcp.internal/"],
    ["DURABLE_RESPONSES_WALL_CLOCK_S", "-1"],
    ["DURABLE_RESPONSES_CONCURRENCY", "many"],
  ] as const
) {
  Deno.test(`${name}=${JSON.stringify(value)} is refused by name`, () => {
    assert.match(refusal({ ...whole, [name]: value }).message, new RegExp(name));
  });
}

for (
  const variables of [
    { SUPABASE_SECRET_KEYS: "super-secret-value-that-is-not-json" },
    { OPENAI_API_KEY: "super-secret-value\n" },
    { OPENAI_BASE_URL: "https://user:super-secret-value@models.example/v1" },
  ]
) {
  Deno.test(`the message about ${Object.keys(variables)} does not show its value`, () => {
    const error = refusal({ ...whole, ...variables });
    assert.ok(!JSON.stringify(error.toBody()).includes("super-secret-value"));
  });
}

const own = "https://abc.supabase.co/auth/v1";
for (
  const [name, variables, issuers, audience] of [
    ["follow from the project's address", {}, [own], "authenticated"],
    [
      "are any behind an inner address",
      { SUPABASE_URL: "http://kong:8000" },
      undefined,
      "authenticated",
    ],
    [
      "are those that are set",
      {
        DURABLE_RESPONSES_JWT_ISSUER: ` https://api.example.com/auth/v1, ${own}`,
        DURABLE_RESPONSES_JWT_AUDIENCE: "people",
      },
      ["https://api.example.com/auth/v1", own],
      "people",
    ],
    [
      "are as if not set when they are empty",
      { DURABLE_RESPONSES_JWT_ISSUER: "", DURABLE_RESPONSES_JWT_AUDIENCE: "" },
      [own],
      "authenticated",
    ],
  ] as const
) {
  Deno.test(`a token's issuers ${name}`, () => {
    const { jwtIssuers, jwtAudience } = parseEnvironment({ ...whole, ...variables });
    assert.deepEqual([jwtIssuers, jwtAudience], [issuers, audience]);
  });
}

Deno.test("hosts of MCP servers are a list, whatever separates them and however they are written", () => {
  const hosts = (text?: string) =>
    parseEnvironment({ ...whole, ...(text !== undefined && { DURABLE_RESPONSES_MCP_HOSTS: text }) })
      .mcpHosts;
  assert.deepEqual(
    hosts(" MCP.internal, 10.0.0.5:8080  [::1]"),
    new Set(["mcp.internal", "10.0.0.5:8080", "[::1]"]),
  );
  assert.deepEqual(hosts(""), new Set());
  assert.deepEqual(hosts(), new Set());
});

Deno.test("a public key set is taken as the platform gives it", () => {
  const key = { kty: "EC", kid: "1", crv: "P-256", x: "x", y: "y" };
  const { jwks } = parseEnvironment({ ...whole, SUPABASE_JWKS: JSON.stringify({ keys: [key] }) });
  assert.equal(jwks?.keys[0]?.kty, "EC");
});

Deno.test("every secret in it is masked from then on", () => {
  parseEnvironment({ ...whole, OPENAI_WEBHOOK_SECRET: "webhook-secret-of-the-test" });
  for (
    const secret of [
      "legacy-service-role",
      "openai-key-of-the-test",
      "worker-secret-of-the-test",
      "webhook-secret-of-the-test",
    ]
  ) {
    assert.equal(redact(`it is ${secret}`), "it is ***");
  }
});
