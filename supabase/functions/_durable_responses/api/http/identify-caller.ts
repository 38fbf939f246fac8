import type { Caller } from "../../model/caller.ts";
import * as z from "../../model/zod.ts";
import { sameSecret } from "../../platform/digest.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { log } from "../../platform/log.ts";
import { AuthUnavailable, claimsOf } from "./token.ts";

/** The claims of a token that are used. `sub` must be a UUID, because `auth.uid()` in the policies returns one. */
const claimsSchema = z.looseObject({
  sub: z.uuid(),
  role: z.literal("authenticated"),
  aud: z.union([z.string(), z.array(z.string())]),
  iss: z.optional(z.string()),
  app_metadata: z.nullish(z.looseObject({ durable_responses: z.optional(z.unknown()) })),
});

/**
 * With this header, a server that holds a secret key says which user it acts for. No browser can send it: CORS does not
 * allow it.
 */
export const ownerHeader = "x-owner-id";

/**
 * Identifies the sender of a request. A user's token comes as a bearer token, a secret key in `apikey` or as a bearer token.
 * If both come, the user's token counts, because it gives fewer rights.
 * @throws RequestError `missing_token`, `invalid_token`; `secret_key_required` and `invalid_request` for an `x-owner-id`
 */
export async function identifyCaller(request: Request): Promise<Caller> {
  const { secretKeys, publicKeys } = environment();
  const bearer = request.headers.get("authorization")?.match(/^Bearer\s+(.+)$/i)?.[1]?.trim();
  const apikey = request.headers.get("apikey") ?? undefined;
  const userToken =
    bearer !== undefined && !publicKeys.includes(bearer) && !(await isOneOf(bearer, secretKeys))
      ? bearer
      : undefined;
  const owner = request.headers.get(ownerHeader);
  if (userToken === undefined) {
    for (const key of [bearer, apikey]) {
      if (key !== undefined && await isOneOf(key, secretKeys)) return serverFor(owner);
    }
  }
  if (owner !== null) {
    throw new RequestError(
      "secret_key_required",
      `Cannot act for another user: ${ownerHeader} requires a secret key`,
      {
        hint:
          "Send a secret key in Authorization or apikey, and no user token. A proxy that adds the key must remove this header from incoming requests",
      },
    );
  }
  if (userToken !== undefined) return await verify(userToken);
  throw new RequestError(
    "missing_token",
    `Cannot identify the caller: ${
      [bearer, apikey].some((key) => key !== undefined && publicKeys.includes(key))
        ? "a publishable key names the project and no user, and the request has no user token"
        : "the request has no user token and no secret key"
    }`,
    {
      hint:
        "Sign the user in, and send the session's access_token in Authorization, as supabase.functions.invoke does",
    },
  );
}

/** A server, limited to one user if it names one. */
function serverFor(owner: string | null): Caller {
  if (owner === null) return { kind: "service" };
  const ownerId = z.uuid().safeParse(owner);
  if (ownerId.success) return { kind: "service", ownerId: ownerId.data.toLowerCase() };
  throw new RequestError(
    "invalid_request",
    `Cannot act for '${owner.slice(0, 50)}': ${ownerHeader} must be a user's id, which is a UUID`,
    { hint: "Send the user's id as auth.users has it" },
  );
}

async function isOneOf(value: string, keys: string[]): Promise<boolean> {
  // Every key is compared, so that the time does not reveal which one matched.
  const matches = await Promise.all(keys.map((key) => sameSecret(value, key)));
  return matches.includes(true);
}

/** Whose token it is. */
async function verify(token: string): Promise<Caller> {
  const claims = claimsSchema.safeParse(await claimsOf(token).catch(refuse));
  if (!claims.success) throw invalid(claims.error);
  const { sub, app_metadata, aud, iss } = claims.data;
  requireParties([aud].flat(), iss);
  return {
    kind: "user",
    ownerId: sub,
    isOperator: app_metadata?.durable_responses === "operator",
    claims: claims.data,
  };
}

/**
 * The project's keys may sign tokens that are not meant for this API.
 * @throws RequestError `invalid_token`. The log says what was expected, because only the operator can fix it
 */
function requireParties(audiences: string[], issuer: string | undefined): void {
  const { jwtIssuers, jwtAudience } = environment();
  const isIssuer = jwtIssuers === undefined ||
    (issuer !== undefined && jwtIssuers.includes(issuer));
  if (isIssuer && audiences.includes(jwtAudience)) return;
  log.warn(
    "a token of another issuer or audience; DURABLE_RESPONSES_JWT_ISSUER and …_AUDIENCE say which are accepted",
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
  if (cause instanceof RequestError) throw cause;
  if (!(cause instanceof AuthUnavailable)) throw invalid(cause);
  throw new RequestError("database_unavailable", "Cannot check the token: Auth does not answer", {
    hint: "Nothing was accepted. Send the same request again",
    retryAfterS: 5,
    cause,
  });
}

function invalid(cause: unknown): RequestError {
  return new RequestError(
    "invalid_token",
    "Cannot accept the token: it is malformed, expired, or does not belong to a signed-in user of this project",
    {
      hint: "Sign in again, or refresh the session, and send its access_token",
      cause,
    },
  );
}
