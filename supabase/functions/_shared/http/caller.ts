import type { Visibility } from "../db/jobs.ts";
import { environment } from "../environment.ts";
import { RequestError } from "../errors.ts";
import { sameSecret } from "../secrets.ts";
import * as z from "../zod.ts";
import { AuthUnavailable, claimsOf } from "./token.ts";

/** Who is asking: a signed-in user, who may be an operator, or a server that holds a secret key. */
export type Caller =
  | { kind: "user"; ownerId: string; isOperator: boolean }
  | { kind: "service" };

/** What of a token's claims is used; `sub` must be a UUID, as `auth.uid()` in the policies has it. */
const claimsSchema = z.object({
  sub: z.uuid(),
  role: z.literal("authenticated"),
  app_metadata: z.nullish(z.looseObject({ durable_responses: z.optional(z.unknown()) })),
});

/**
 * Says who sent a request. A user's token comes as bearer; a secret key comes in `apikey` or as bearer.
 * Where both come, the user's token counts: the lesser right.
 * @throws RequestError `missing_token`, `invalid_token`
 */
export async function identifyCaller(request: Request): Promise<Caller> {
  const { secretKeys, publicKeys } = environment();
  const bearer = request.headers.get("authorization")?.match(/^Bearer\s+(.+)$/i)?.[1]?.trim();
  const apikey = request.headers.get("apikey") ?? undefined;
  const userToken =
    bearer !== undefined && !publicKeys.includes(bearer) && !(await isOneOf(bearer, secretKeys))
      ? bearer
      : undefined;
  if (userToken !== undefined) return await verify(userToken);
  for (const key of [bearer, apikey]) {
    if (key !== undefined && await isOneOf(key, secretKeys)) return { kind: "service" };
  }
  throw new RequestError(
    "missing_token",
    "Cannot tell who is asking: the request has no user token and no secret key",
    {
      hint:
        "Send Authorization: Bearer <the session's access_token>; supabase.functions.invoke does it when somebody is signed in",
    },
  );
}

/** Whose jobs a caller may touch: a user their own, an operator (under their own name) and a server all. */
export function visibilityOf(caller: Caller): Visibility {
  if (caller.kind === "service") return { p_as_service: true };
  return { p_owner_id: caller.ownerId, ...(caller.isOperator ? { p_as_service: true } : {}) };
}

async function isOneOf(value: string, keys: string[]): Promise<boolean> {
  // Every key is compared, so that the time does not tell which one matched.
  const matches = await Promise.all(keys.map((key) => sameSecret(value, key)));
  return matches.includes(true);
}

/** Who a token is of. */
async function verify(token: string): Promise<Caller> {
  const claims = claimsSchema.safeParse(await claimsOf(token).catch(refuse));
  if (!claims.success) throw invalid(claims.error);
  const { sub, app_metadata } = claims.data;
  return {
    kind: "user",
    ownerId: sub,
    isOperator: app_metadata?.durable_responses === "operator",
  };
}

function refuse(cause: unknown): never {
  if (!(cause instanceof AuthUnavailable)) throw invalid(cause);
  throw new RequestError("database_unavailable", "Cannot check the token: Auth does not answer", {
    retryAfterS: 5,
    cause,
  });
}

function invalid(cause: unknown): RequestError {
  return new RequestError(
    "invalid_token",
    "Cannot accept the token: it is malformed, expired, or not of a signed-in user of this project",
    {
      hint: "Sign in again, or refresh the session, and send its access_token",
      cause,
    },
  );
}
