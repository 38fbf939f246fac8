import { decodeProtectedHeader } from "jose/decode/protected_header";
import { createLocalJWKSet } from "jose/jwks/local";
import { createRemoteJWKSet } from "jose/jwks/remote";
import { decodeJwt } from "jose/jwt/decode";
import { jwtVerify, type JWTVerifyGetKey } from "jose/jwt/verify";
import { environment } from "../../platform/environment.ts";

/** Longest wait for Auth's word on a token, ms. */
const AUTH_TIMEOUT_MS = 5_000;

/** Auth could not be asked: the token may be good. */
export class AuthUnavailable extends Error {
  override readonly name = "AuthUnavailable";
}

let keys: JWTVerifyGetKey | undefined;

/**
 * The claims of a user's token: signature and expiry are checked here for the keys that the project signs with
 * today, and by Auth for the legacy shared secret, which no function is given. What supabase-js's `getClaims`
 * does, without the 102 kB that are the rest of Auth's client (docs/benchmarks.md, cold); and a key is imported once,
 * not for each token.
 * @throws AuthUnavailable; any other error says that the token is not good
 */
export async function claimsOf(token: string): Promise<unknown> {
  const { alg, kid } = decodeProtectedHeader(token);
  if (kid === undefined || alg === undefined || alg.startsWith("HS")) {
    await askAuth(token);
    return decodeJwt(token);
  }
  const { payload } = await jwtVerify(token, keys ??= projectKeys(), { requiredClaims: ["exp"] });
  return payload;
}

/** The keys that the platform gave this worker; one that came since is looked for at Auth, at most every 30 s. */
function projectKeys(): JWTVerifyGetKey {
  const { supabaseUrl, jwks } = environment();
  const local = createLocalJWKSet(jwks ?? { keys: [] });
  const remote = createRemoteJWKSet(new URL(`${supabaseUrl}/auth/v1/.well-known/jwks.json`));
  return async (header, jws) => {
    try {
      return await local(header, jws);
    } catch (error) {
      if (!isUnknownKey(error)) throw error;
    }
    try {
      return await remote(header, jws);
    } catch (cause) {
      if (isUnknownKey(cause)) throw cause;
      throw new AuthUnavailable("Cannot read the keys that tokens are signed with", { cause });
    }
  };
}

/** By jose's code: where each of its paths is bundled for itself, the class is not the same one. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_JWKS_NO_MATCHING_KEY";
}

async function askAuth(token: string): Promise<void> {
  const { supabaseUrl, secretKey } = environment();
  let answer: Response;
  try {
    answer = await fetch(`${supabaseUrl}/auth/v1/user`, {
      headers: { apikey: secretKey, authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(AUTH_TIMEOUT_MS),
    });
    await answer.body?.cancel();
  } catch (cause) {
    throw new AuthUnavailable("Cannot ask Auth about a token", { cause });
  }
  if (answer.status === 429 || answer.status >= 500) {
    throw new AuthUnavailable(`Cannot ask Auth about a token: it answered ${answer.status}`);
  }
  if (!answer.ok) throw new Error(`Auth refused the token with ${answer.status}`);
}
