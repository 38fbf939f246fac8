/** The Realtime topic with updates of all of a user's jobs. */
import type { SupabaseClient } from "@supabase/supabase-js";
import { type Row, toRow } from "../data/fields.ts";

/**
 * The topic of the signed-in user, by the token that Realtime has. Call it after `realtime.setAuth()`.
 * @throws Error if there is none: a list of everybody's jobs would change without an announcement on it
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

/**
 * The claims of a token; undefined for a key or anything else that is not a token. The server decides whether they are true.
 */
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
