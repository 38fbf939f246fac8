import { environment } from "../../platform/environment.ts";
import { supabase } from "../../platform/supabase.ts";

/**
 * How supabase-js names an Auth that cannot be reached, fails, or does not answer with JSON. Its error class would have to
 * be loaded.
 */
const noAnswer: ReadonlySet<string> = new Set(["AuthRetryableFetchError", "AuthUnknownError"]);

/** Auth could not be asked: the token may be valid. */
export class AuthUnavailable extends Error {
  override readonly name = "AuthUnavailable";
}

/**
 * The claims of a user's token. supabase-js checks signature and expiry here, with the keys that the platform gave this
 * worker. It asks Auth for newer keys, and about tokens signed with the legacy shared secret, which functions do not have.
 * @throws AuthUnavailable; RequestError if nothing can be asked; any other error means that the token is not valid
 */
export async function claimsOf(token: string): Promise<unknown> {
  const { jwks } = environment();
  const { auth } = await supabase();
  const { data, error } = await auth.getClaims(token, jwks && { jwks });
  if (data) return data.claims;
  // With an empty token, supabase-js would use its own session, which does not exist.
  if (!error) throw new Error("The token is empty");
  if (error.status === 429 || noAnswer.has(error.name)) {
    throw new AuthUnavailable(`Cannot ask Auth about a token: ${error.message}`, { cause: error });
  }
  throw error;
}
