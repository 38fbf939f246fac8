/**
 * A stand-in for Supabase Auth: password sign-up and sign-in, sessions, and tokens with the real claims, as
 * supabase-js asks for them. Email addresses count as confirmed at once, as in `supabase start`.
 */
import { type Context, Hono } from "hono";
import type { Sql } from "postgres";
import { bearerToken } from "./bearer.ts";
import {
  bodyOf,
  createUserBody,
  passwordBody,
  refreshBody,
  signOutScope,
  signUpBody,
} from "./bodies.ts";
import { AuthFailure, failureAnswer } from "./failure.ts";
import type { ApiKeys } from "./keys.ts";
import { createSessions, type Session, type SessionStore } from "./sessions.ts";
import { type Claims, issueToken, tokenLifeSeconds, verifyToken } from "./tokens.ts";
import { type AuthUser, userAnswer, usersIn } from "./users.ts";

export interface AuthOptions {
  /** As the role `postgres`, which may write auth.users and use pgcrypto. Whoever opened it closes it. */
  sql: Sql;
  keys: ApiKeys;
  /** `<apiUrl>/auth/v1` */
  issuer: string;
  /** Where sessions outlive this process; nowhere when left out. */
  store?: SessionStore;
}

/** A user who is signed in, with a token of either kind. */
export interface SignedInUser {
  id: string;
  email: string;
  password: string;
  /** ES256 */
  token: string;
  /** HS256 */
  legacyToken: string;
}

export interface Auth {
  /** Serves Auth's API; paths without `/auth/v1`. */
  fetch(request: Request): Promise<Response>;
  /** Creates a user and signs it in. Throws when the address is taken, unless by a user with this password. */
  createUser(email?: string, password?: string): Promise<SignedInUser>;
}

const minPasswordLength = 6;

export function startAuth({ sql, keys, issuer, store }: AuthOptions): Auth {
  const users = usersIn(sql);
  const sessions = createSessions(store);

  async function signedIn(user: AuthUser, session: Session) {
    const now = Math.floor(Date.now() / 1000);
    return {
      access_token: await issueToken(keys, { user, sessionId: session.id, issuer }),
      token_type: "bearer",
      expires_in: tokenLifeSeconds,
      expires_at: now + tokenLifeSeconds,
      refresh_token: session.refreshToken,
      user: userAnswer(user),
    };
  }

  async function createOrRefuse(user: Parameters<typeof users.create>[0]): Promise<AuthUser> {
    if (user.password.length < minPasswordLength) {
      const rule = `Password should be at least ${minPasswordLength} characters.`;
      throw new AuthFailure(422, "weak_password", rule);
    }
    const created = await users.create(user);
    if (!created) throw new AuthFailure(422, "user_already_exists", "User already registered");
    return created;
  }

  async function signInByPassword(context: Context) {
    const { email, password } = await bodyOf(context, passwordBody);
    const user = await users.signIn(email, password);
    if (!user) throw new AuthFailure(400, "invalid_credentials", "Invalid login credentials");
    if (!user.email_confirmed_at) {
      throw new AuthFailure(400, "email_not_confirmed", "Email not confirmed");
    }
    return signedIn(user, sessions.start(user.id));
  }

  async function signInByRefreshToken(context: Context) {
    const { refresh_token } = await bodyOf(context, refreshBody);
    const session = sessions.refresh(refresh_token);
    const user = session && await users.find(session.userId);
    if (!session || !user) {
      const message = "Invalid Refresh Token: Refresh Token Not Found";
      throw new AuthFailure(400, "refresh_token_not_found", message);
    }
    return signedIn(user, session);
  }

  async function callerOf(context: Context): Promise<Claims> {
    const token = bearerToken(context.req.header("authorization"));
    if (!token) {
      throw new AuthFailure(401, "no_authorization", "This endpoint requires a valid Bearer token");
    }
    const claims = await verifyToken(keys, token);
    if (!claims) {
      const message = "invalid JWT: unable to parse or verify signature, or the token has expired";
      throw new AuthFailure(403, "bad_jwt", message);
    }
    return claims;
  }

  async function sessionOf(context: Context): Promise<{ userId: string; sessionId: string }> {
    const { sub, session_id } = await callerOf(context);
    if (!sub) throw new AuthFailure(403, "bad_jwt", "invalid claim: missing sub claim");
    if (!session_id || !sessions.has(session_id)) {
      const message = "Session from session_id claim in JWT does not exist";
      throw new AuthFailure(403, "session_not_found", message);
    }
    return { userId: sub, sessionId: session_id };
  }

  const app = new Hono();
  app.onError(failureAnswer);

  app.get("/.well-known/jwks.json", (context) => context.json(keys.publicJwks));

  app.post("/signup", async (context) => {
    const { email, password, data } = await bodyOf(context, signUpBody);
    const userMetadata = data ?? undefined;
    const user = await createOrRefuse({ email, password, userMetadata, confirmed: true });
    return context.json(await signedIn(user, sessions.start(user.id)));
  });

  app.post("/token", async (context) => {
    const grant = context.req.query("grant_type");
    if (grant === "password") return context.json(await signInByPassword(context));
    if (grant === "refresh_token") return context.json(await signInByRefreshToken(context));
    throw new AuthFailure(400, "unsupported_grant_type", `unsupported_grant_type: ${grant}`);
  });

  app.get("/user", async (context) => {
    const { userId } = await sessionOf(context);
    const user = await users.find(userId);
    if (!user) {
      throw new AuthFailure(403, "user_not_found", "User from sub claim in JWT does not exist");
    }
    return context.json(userAnswer(user));
  });

  app.post("/logout", async (context) => {
    const { sessionId } = await sessionOf(context);
    sessions.end(sessionId, signOutScope.parse(context.req.query("scope")));
    return context.body(null, 204);
  });

  app.post("/admin/users", async (context) => {
    const { role } = await callerOf(context);
    if (role !== "service_role") throw new AuthFailure(403, "not_admin", "User not allowed");
    const body = await bodyOf(context, createUserBody);
    const user = await createOrRefuse({
      id: body.id,
      email: body.email,
      password: body.password ?? crypto.randomUUID(),
      confirmed: body.email_confirm ?? false,
      userMetadata: body.user_metadata,
      appMetadata: body.app_metadata,
    });
    return context.json(userAnswer(user));
  });

  return {
    fetch: async (request) => await app.fetch(request),
    async createUser(
      email = `user-${crypto.randomUUID().slice(0, 8)}@example.com`,
      password = crypto.randomUUID(),
    ) {
      const user = await users.signIn(email, password) ??
        await createOrRefuse({ email, password, confirmed: true });
      const subject = { user, sessionId: sessions.start(user.id).id, issuer };
      const [token, legacyToken] = await Promise.all([
        issueToken(keys, subject),
        issueToken(keys, subject, "HS256"),
      ]);
      return { id: user.id, email: user.email, password, token, legacyToken };
    },
  };
}
