/** The Realtime topic on which a user is told of all their jobs. */
import type { SupabaseClient } from "@supabase/supabase-js";
import { type Row, toRow } from "../data/fields.ts";

/**
 * The topic of whoever is signed in, by the token that Realtime was given; call after `realtime.setAuth()`.
 * @throws Error where there is none: a list of everybody's jobs would change without a word on it
 */
export function ownTopic({ realtime }: SupabaseClient): string {
  const claims = claimsOf(realtime.accessTokenValue ?? "");
  const metadata = claims?.["app_metadata"];
  const isOperator = typeof metadata === "object" && metadata !== null &&
    "durable_responses" in metadata &&
    metadata.durable_responses === "operator";
  if (isOperator) throw new Error("an operator's list has no topic");
  const user = claims?.["sub"];
  if (typeof user !== "string") throw new Error("no user is signed in");
  return `response-jobs:${user}`;
}

/** What a token says; undefined for a key or whatever else is no token. Whether it is true, the server decides. */
function claimsOf(token: string): Row | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    return toRow(
      JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))),
    );
  } catch (error) {
    // Not base64, not JSON, not an object.
    if (
      error instanceof SyntaxError || error instanceof DOMException ||
      error instanceof TypeError
    ) {
      return undefined;
    }
    throw error;
  }
}
