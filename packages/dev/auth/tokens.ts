/** Access tokens with the claims that Supabase Auth gives them, signed by either kind of key. */
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { ApiKeys } from "./keys.ts";
import type { AuthUser } from "./users.ts";

/** How long an access token is good, in seconds. */
export const tokenLifeSeconds = 3600;

/** What an access token says. */
export const claims = z.looseObject({
  sub: z.uuid().optional(),
  role: z.string(),
  session_id: z.uuid().optional(),
  exp: z.number(),
});
export type Claims = z.infer<typeof claims>;

export interface TokenSubject {
  user: AuthUser;
  sessionId: string;
  /** `<apiUrl>/auth/v1` */
  issuer: string;
}

/** Signs an access token: `ES256` as new projects do, `HS256` as those with the legacy secret. */
export function issueToken(
  keys: ApiKeys,
  subject: TokenSubject,
  algorithm: "ES256" | "HS256" = "ES256",
): Promise<string> {
  const { user, sessionId, issuer } = subject;
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT({
    iss: issuer,
    sub: user.id,
    aud: "authenticated",
    exp: now + tokenLifeSeconds,
    iat: now,
    email: user.email,
    phone: "",
    app_metadata: user.app_metadata,
    user_metadata: user.user_metadata,
    role: user.role,
    aal: "aal1",
    amr: [{ method: "password", timestamp: now }],
    session_id: sessionId,
    is_anonymous: user.is_anonymous,
  });
  return algorithm === "ES256"
    ? token.setProtectedHeader({ alg: "ES256", kid: keys.signingKey.kid, typ: "JWT" })
      .sign(keys.signingKey.privateKey)
    : token.setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(keys.jwtSecret);
}

/** The claims of a token that one of our keys signed and that has not expired; else undefined. */
export async function verifyToken(keys: ApiKeys, token: string): Promise<Claims | undefined> {
  try {
    return claims.safeParse(await readToken(keys, token)).data;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** What a token says that one of our keys signed. Throws a JOSEError that says why not, and when it has expired. */
export async function readToken(keys: ApiKeys, token: string): Promise<JWTPayload> {
  const keyFor = ({ alg }: JWTHeaderParameters) =>
    alg === "ES256" ? keys.signingKey.publicKey : keys.jwtSecret;
  const { payload } = await jwtVerify(token, keyFor, { algorithms: ["ES256", "HS256"] });
  return payload;
}
