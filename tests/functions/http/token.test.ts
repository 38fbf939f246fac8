/** A user's token: which keys are trusted, and the error if Auth cannot be asked. */
import assert from "node:assert/strict";
import { SignJWT } from "jose";
import {
  AuthUnavailable,
  claimsOf,
} from "../../../supabase/functions/_durable_responses/api/http/token.ts";
import { authForFile, signer, sub } from "./support/auth.ts";

const theAuth = authForFile();

/** Asserts that a token is invalid. Fails if it is valid, or if nobody could tell. */
async function refused(token: string): Promise<void> {
  await assert.rejects(claimsOf(token), (error) => !(error instanceof AuthUnavailable));
}

function legacyToken(): Promise<string> {
  return new SignJWT({ sub }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h")
    .sign(new TextEncoder().encode("a legacy secret that only Auth knows, 32 bytes"));
}

const encoded = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
const lasting = { sub, exp: Math.floor(Date.now() / 1000) + 3600 };

Deno.test("a token of a key that the platform gave is checked without asking Auth", async () => {
  const auth = theAuth();
  auth.asked.length = 0;
  assert.partialDeepStrictEqual(await claimsOf(await auth.known.sign()), { sub });
  assert.deepEqual(auth.asked, []);
});

Deno.test("a token that has expired, or never does, is refused without asking Auth", async () => {
  const auth = theAuth();
  auth.asked.length = 0;
  await refused(await auth.known.sign({ lifeS: -60 }));
  await refused(await auth.known.sign({ lifeS: null }));
  assert.deepEqual(auth.asked, []);
});

Deno.test("a key that the project took since is found at Auth, once", async () => {
  const auth = theAuth();
  auth.asked.length = 0;
  for (let i = 0; i < 3; i++) {
    assert.partialDeepStrictEqual(await claimsOf(await auth.rotated.sign()), { sub });
  }
  assert.deepEqual(auth.asked, ["/auth/v1/.well-known/jwks.json"]);
});

Deno.test("a token of a key that Auth does not know is refused, as Auth says", async () => {
  const auth = theAuth();
  const stranger = await signer("stranger");
  auth.userStatus = 403;
  await refused(await stranger.sign());
});

Deno.test("a key of another under a known name is refused", async () => {
  const stranger = await signer("known");
  await refused(await stranger.sign());
});

Deno.test("a legacy token is as good as Auth says", async () => {
  const auth = theAuth();
  const token = await legacyToken();
  auth.userStatus = 200;
  assert.partialDeepStrictEqual(await claimsOf(token), { sub });
  auth.userStatus = 403;
  await refused(token);
});

for (const status of [429, 500, 503, 520]) {
  Deno.test(`while Auth answers ${status}, nobody can tell whether a legacy token is good`, async () => {
    theAuth().userStatus = status;
    await assert.rejects(claimsOf(await legacyToken()), AuthUnavailable);
  });
}

for (
  const [name, token] of [
    ["nothing", ""],
    ["one part", "abc"],
    ["three parts that are no JSON", "abc.def.ghi"],
    ["three empty parts", ".."],
    ["a header that is null", `${encoded(null)}.${encoded(lasting)}.AAAA`],
    ["a header that is a list", `${encoded([])}.${encoded(lasting)}.AAAA`],
    ["claims that are null", `${encoded({ alg: "ES256", kid: "known" })}.${encoded(null)}.AAAA`],
    ["no algorithm", `${encoded({ kid: "known" })}.${encoded(lasting)}.AAAA`],
    ["alg: none", `${encoded({ alg: "none" })}.${encoded(lasting)}.`],
    [
      "alg: none with a known key",
      `${encoded({ alg: "none", kid: "known" })}.${encoded(lasting)}.`,
    ],
    [
      "another algorithm than the key's",
      `${encoded({ alg: "RS256", kid: "known" })}.${encoded(lasting)}.AAAA`,
    ],
    [
      "HS256 with a known key",
      `${encoded({ alg: "HS256", kid: "known" })}.${encoded(lasting)}.AAAA`,
    ],
    [
      "an algorithm that is a number",
      `${encoded({ alg: 1, kid: "known" })}.${encoded(lasting)}.AAAA`,
    ],
    ["letters outside of base64url", `${encoded({ alg: "ES256" })}.ä.ö`],
  ] as const
) {
  Deno.test(`a token of ${name} is refused`, async () => {
    theAuth().userStatus = 403;
    await refused(token);
  });
}
