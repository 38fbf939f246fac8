import type { Caller } from "../../model/caller.ts";
import * as z from "../../model/zod.ts";
import { sameSecret } from "../../platform/digest.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { log } from "../../platform/log.ts";
import { AuthUnavailable, claimsOf } from "./token.ts";

/** What of a token's claims is used; `sub` must be a UUID, as `auth.uid()` in the policies has it. */
const claimsSchema = z.object({
  sub: z.uuid(),
  role: z.literal("authenticated"),
  aud: z.union([z.string(), z.array(z.string())]),
  iss: z.optional(z.string()),
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
  const { sub, app_metadata, aud, iss } = claims.data;
  requireParties([aud].flat(), iss);
  return {
    kind: "user",
    ownerId: sub,
    isOperator: app_metadata?.durable_responses === "operator",
  };
}

/**
 * The project's keys may sign tokens that are not meant for this API.
 * @throws RequestError `invalid_token`; what was expected goes to the log, since only who runs the functions can mend it
 */
function requireParties(audiences: string[], issuer: string | undefined): void {
  const { jwtIssuers, jwtAudience } = environment();
  const isIssuer = jwtIssuers === undefined ||
    (issuer !== undefined && jwtIssuers.includes(issuer));
  if (isIssuer && audiences.includes(jwtAudience)) return;
  log.warn(
    "a token of another issuer or audience; DURABLE_RESPONSES_JWT_ISSUER and …_AUDIENCE say whose are good",
    {
      issuer,
      audience: audiences.join(", "),
      expected_issuer: jwtIssuers?.join(", "),
      expected_audience: jwtAudience,
    },
  );
  throw invalid(undefined);
}

function refuse(cause: unknown): never {
  if (!(cause instanceof AuthUnavailable)) throw invalid(cause);
  throw new RequestError("database_unavailable", "Cannot check the token: Auth does not answer", {
    hint: "Nothing was accepted: send the same request again",
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
