/** A user's token: which keys are believed, and what is said when Auth cannot be asked. */
import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import {
  AuthUnavailable,
  claimsOf,
} from "../../../supabase/functions/_durable_responses/api/http/token.ts";
import { forFile } from "../../support/for-file.ts";

const sub = "5f0c8d1e-7d1f-4d7b-9d55-0a8f2f3c4b5a";

async function signer(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    jwk: { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" },
    sign: (lifeS?: number) => {
      const token = new SignJWT({ sub, role: "authenticated" })
        .setProtectedHeader({ alg: "ES256", kid });
      if (lifeS !== undefined) token.setExpirationTime(Math.floor(Date.now() / 1000) + lifeS);
      return token.sign(privateKey);
    },
  };
}

const theAuth = forFile(async (parts) => {
  const [known, rotated] = await Promise.all([signer("known"), signer("rotated")]);
  const state = { known, rotated, keyReads: 0, userStatus: 200 };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (request.url.endsWith("/auth/v1/user")) {
      return Response.json({}, { status: state.userStatus });
    }
    state.keyReads++;
    return Response.json({ keys: [known.jwk, rotated.jwk] });
  });
  parts.defer(() => server.shutdown());
  // The environment is read on first use.
  Deno.env.set("SUPABASE_URL", `http://127.0.0.1:${server.addr.port}`);
  Deno.env.set("SUPABASE_SERVICE_ROLE_KEY", "service-role-of-the-test");
  Deno.env.set("SUPABASE_JWKS", JSON.stringify({ keys: [known.jwk] }));
  Deno.env.set("DURABLE_RESPONSES_WORKER_SECRET", "worker-secret-of-the-test");
  Deno.env.set("OPENAI_API_KEY", "openai-key-of-the-test");
  return state;
});

/** Why a token is not good; fails when it is, or when nobody could tell. */
async function refused(token: string): Promise<void> {
  await assert.rejects(claimsOf(token), (error) => !(error instanceof AuthUnavailable));
}

function legacyToken(): Promise<string> {
  return new SignJWT({ sub }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h")
    .sign(new TextEncoder().encode("a legacy secret that only Auth knows, 32 bytes"));
}

Deno.test("a token of a key that the platform gave is checked without asking Auth", async () => {
  const auth = theAuth();
  assert.partialDeepStrictEqual(await claimsOf(await auth.known.sign(3600)), { sub });
  assert.equal(auth.keyReads, 0);
});

Deno.test("a token that has expired, or never does, is refused", async () => {
  await refused(await theAuth().known.sign(-60));
  await refused(await theAuth().known.sign());
});

Deno.test("a key that the project took since is found at Auth; tokens of unknown keys do not make it asked each time", async () => {
  const auth = theAuth();
  assert.partialDeepStrictEqual(await claimsOf(await auth.rotated.sign(3600)), { sub });
  const stranger = await signer("stranger");
  for (let i = 0; i < 5; i++) await refused(await stranger.sign(3600));
  assert.equal(auth.keyReads, 1);
});

Deno.test("a key of another under a known name is refused", async () => {
  const stranger = await signer("known");
  await refused(await stranger.sign(3600));
});

Deno.test("a legacy token is as good as Auth says", async () => {
  const auth = theAuth();
  const token = await legacyToken();
  auth.userStatus = 200;
  assert.partialDeepStrictEqual(await claimsOf(token), { sub });
  auth.userStatus = 403;
  await refused(token);
  auth.userStatus = 503;
  await assert.rejects(claimsOf(token), AuthUnavailable);
});
