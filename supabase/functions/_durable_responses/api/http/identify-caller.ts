import type { Caller } from "../../model/caller.ts";
import * as z from "../../model/zod.ts";
import { sameSecret } from "../../platform/digest.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { AuthUnavailable, claimsOf } from "./token.ts";

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
