import { environment } from "../../platform/environment.ts";
import { supabase } from "../../platform/supabase.ts";

/** What supabase-js calls an Auth that cannot be reached, fails, or answers what is not JSON; its class would have to be loaded. */
const noAnswer: ReadonlySet<string> = new Set(["AuthRetryableFetchError", "AuthUnknownError"]);

/** Auth could not be asked: the token may be good. */
export class AuthUnavailable extends Error {
  override readonly name = "AuthUnavailable";
}

/**
 * The claims of a user's token. supabase-js checks signature and expiry here with the keys that the platform gave this worker,
 * and asks Auth for a key that came since, and about tokens of the legacy shared secret, which no function is given.
 * @throws AuthUnavailable; RequestError when nothing can be asked; any other error says that the token is not good
 */
export async function claimsOf(token: string): Promise<unknown> {
  const { jwks } = environment();
  const { auth } = await supabase();
  const { data, error } = await auth.getClaims(token, jwks && { jwks });
  if (data) return data.claims;
  // With an empty token, supabase-js would use its own session, and there is none.
  if (!error) throw new Error("The token is empty");
  if (error.status === 429 || noAnswer.has(error.name)) {
    throw new AuthUnavailable(`Cannot ask Auth about a token: ${error.message}`, { cause: error });
  }
  throw error;
}
