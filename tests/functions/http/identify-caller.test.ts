/** Who sent a request: which tokens count, by issuer and audience, and the refusal if nobody can tell. */
import assert from "node:assert/strict";
import { identifyCaller } from "../../../supabase/functions/_durable_responses/api/http/identify-caller.ts";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { authForFile, signer, sub } from "./support/auth.ts";

const issuer = "https://api.example.com/auth/v1";
const theAuth = authForFile({
  DURABLE_RESPONSES_JWT_ISSUER: `${issuer}, https://abc.supabase.co/auth/v1`,
});

const withToken = (token: string) =>
  identifyCaller(
    new Request("http://localhost/respond", { headers: { authorization: `Bearer ${token}` } }),
  );

async function refusedAs(status: number, code: string, token: string): Promise<void> {
  await assert.rejects(
    withToken(token),
    (error) => error instanceof RequestError && error.status === status && error.code === code,
  );
}

for (const iss of [issuer, "https://abc.supabase.co/auth/v1"]) {
  Deno.test(`a user's token of ${iss} is good`, async () => {
    const token = await theAuth().known.sign({ claims: { iss } });
    const caller = await withToken(token);
    assert.partialDeepStrictEqual(caller, { kind: "user", ownerId: sub, isOperator: false });
    // All claims, because policies may read any of them.
    assert.partialDeepStrictEqual(caller, { claims: { sub, iss, role: "authenticated" } });
  });
}

Deno.test("an audience among several is good", async () => {
  const aud = ["https://other.example.com", "authenticated"];
  const token = await theAuth().known.sign({ claims: { iss: issuer, aud } });
  assert.equal((await withToken(token)).kind, "user");
});

for (
  const [name, claims] of [
    ["another issuer", { iss: "https://other.supabase.co/auth/v1" }],
    ["an issuer that begins like ours", { iss: `${issuer}/more` }],
    ["no issuer", {}],
    ["another audience", { iss: issuer, aud: "https://other.example.com" }],
    ["other audiences", { iss: issuer, aud: ["anon", "service_role"] }],
    ["no audience", { iss: issuer, aud: undefined }],
    ["an audience that is a number", { iss: issuer, aud: 1 }],
    ["another role", { iss: issuer, role: "service_role" }],
    ["no user", { iss: issuer, sub: "somebody" }],
  ] as const
) {
  Deno.test(`a token of our key with ${name} is 401`, async () => {
    await refusedAs(401, "invalid_token", await theAuth().known.sign({ claims }));
  });
}

Deno.test("an expired token, one of an unknown key, and no JWT are 401", async () => {
  const auth = theAuth();
  auth.userStatus = 403;
  const claims = { iss: issuer };
  await refusedAs(401, "invalid_token", await auth.known.sign({ lifeS: -1, claims }));
  await refusedAs(401, "invalid_token", await (await signer("stranger")).sign({ claims }));
  await refusedAs(401, "invalid_token", "abc");
});

Deno.test("while Auth is away, a token of a key that it alone may know is 503", async () => {
  theAuth().userStatus = 503;
  const stranger = await signer("stranger");
  await refusedAs(503, "database_unavailable", await stranger.sign({ claims: { iss: issuer } }));
});
