/** References to secrets: resolved when OpenAI is called, and named if they are not set. */
import assert from "node:assert/strict";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { secret } from "../../../supabase/functions/_durable_responses/profiles/profile.ts";
import {
  resolveSecrets,
  secretNames,
} from "../../../supabase/functions/_durable_responses/profiles/secret-references.ts";
import { redact } from "../../../supabase/functions/_durable_responses/platform/redact.ts";

Deno.env.set("SECRETS_TEST_TOKEN", "token-value-$&-1");

Deno.test("a reference is replaced wherever it stands, and the rest is left", () => {
  const tools = [{
    type: "mcp",
    headers: { Authorization: `Bearer ${secret("SECRETS_TEST_TOKEN")}`, "x-other": "1" },
    allowed_tools: ["a"],
    nested: { deep: [secret("SECRETS_TEST_TOKEN")], count: 1, none: null, yes: true },
  }];
  assert.deepEqual(resolveSecrets(tools), [{
    type: "mcp",
    headers: { Authorization: "Bearer token-value-$&-1", "x-other": "1" },
    allowed_tools: ["a"],
    nested: { deep: ["token-value-$&-1"], count: 1, none: null, yes: true },
  }]);
  assert.ok(tools[0]?.headers.Authorization.includes("{{"), "the profile itself was changed");
});

Deno.test("a resolved secret is masked from then on", () => {
  resolveSecrets(secret("SECRETS_TEST_TOKEN"));
  assert.equal(redact("got token-value-$&-1"), "got ***");
});

Deno.test("a secret that is not set, or empty, is named", () => {
  Deno.env.set("SECRETS_TEST_EMPTY", "");
  for (const name of ["SECRETS_TEST_MISSING", "SECRETS_TEST_EMPTY"]) {
    assert.throws(
      () => resolveSecrets({ url: secret(name) }),
      (error) =>
        error instanceof RequestError && error.code === "secret_not_set" &&
        error.message.includes(name) && (error.hint ?? "").includes(name),
    );
  }
});

Deno.test("the names that a value refers to are found, each once", () => {
  const value = { a: secret("ONE"), b: [`${secret("TWO")}/${secret("ONE")}`], c: "{{three}}" };
  assert.deepEqual([...secretNames(value)].sort(), ["ONE", "TWO"]);
});

Deno.test("a reference must be the name of a variable", () => {
  for (const name of ["", "lower_case", "WITH SPACE", "1ST", "sk-live-123"]) {
    assert.throws(() => secret(name), TypeError);
  }
});
