/** What the gateway makes of a caller's API key: the Authorization that the services behind it understand. */
import { bearerToken } from "../auth/bearer.ts";
import type { ApiKeys } from "../auth/keys.ts";

/** What stands for an API key behind the gateway. */
export type Role = { authorization: string };

export type KeyDecision =
  | { allowed: true; headers: Role }
  | { allowed: false; refusal: { message: string; hint: string } };

const noKey = {
  message: "No API key found in request",
  hint: "No `apikey` request header or url param was found.",
};
const unknownOpaqueKey = {
  message: "Unregistered API key",
  hint: "Double check the provided API key as it is not registered for this project.",
};
const unknownLegacyKey = {
  message: "Invalid API key",
  hint: "Double check your Supabase `anon` or `service_role` API key.",
};

/**
 * Checks the `apikey` header (or query parameter), and returns the Authorization to pass on.
 *
 * A user's token is left alone. No token, or an `sb_…` key in its place, becomes the legacy JWT of the key's role:
 * opaque keys mean nothing to PostgREST and Auth.
 */
export function decideByApiKey(request: Request, keys: ApiKeys): KeyDecision {
  const apiKey = apiKeyOf(request);
  if (!apiKey) return { allowed: false, refusal: noKey };

  const roleToken = roleTokenOf(apiKey, keys);
  if (!roleToken) {
    const refusal = isOpaque(apiKey) ? unknownOpaqueKey : unknownLegacyKey;
    return { allowed: false, refusal };
  }
  const bearer = bearerToken(request.headers.get("authorization"));
  const token = bearer && isOpaque(bearer) ? roleTokenOf(bearer, keys) : bearer ?? roleToken;
  if (!token) return { allowed: false, refusal: unknownOpaqueKey };
  return { allowed: true, headers: { authorization: `Bearer ${token}` } };
}

export function hasApiKey(request: Request): boolean {
  return Boolean(apiKeyOf(request));
}

function apiKeyOf(request: Request): string | null {
  return request.headers.get("apikey") ?? new URL(request.url).searchParams.get("apikey");
}

function isOpaque(key: string): boolean {
  return key.startsWith("sb_");
}

/** The JWT of the role that a key of this project stands for. */
function roleTokenOf(key: string, keys: ApiKeys): string | undefined {
  if (key === keys.publishableKey || key === keys.anonKey) return keys.anonKey;
  if (key === keys.secretKey || key === keys.serviceRoleKey) return keys.serviceRoleKey;
  return undefined;
}
