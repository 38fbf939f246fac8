/** The console on a local stack: nothing to type in, one click signs in. */
import { profiles } from "../../../supabase/functions/_shared/profiles.ts";
import type { SignedInUser } from "../auth/auth.ts";
import type { Stack } from "../stack/options.ts";
import { type ConsoleServer, startConsole } from "./server.ts";

/** @param port preferred; a free one when it is taken */
export function startConsoleFor(
  stack: Stack,
  user: Pick<SignedInUser, "email" | "password">,
  port = 0,
): Promise<ConsoleServer> {
  return startConsole({
    port,
    config: {
      url: stack.apiUrl,
      publishableKey: stack.publishableKey,
      profiles: Object.keys(profiles),
      development: { email: user.email, password: user.password, secretKey: stack.secretKey },
    },
  });
}
