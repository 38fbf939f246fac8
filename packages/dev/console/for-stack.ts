/** The console on a local stack: nothing to type in, one click signs in. */
import type { SignedInUser } from "../auth/auth.ts";
import type { Stack } from "../stack/options.ts";
import { type ConsoleServer, startConsole } from "./server.ts";

export interface ForStack {
  /** Preferred; a free one when it is taken. */
  port?: number;
  /** Names of the profiles that it offers; a text field without any. */
  profiles?: string[];
  /** What the function is called that takes queries, where it is not `respond`. */
  functionName?: string;
}

export function startConsoleFor(
  stack: Stack,
  user: Pick<SignedInUser, "email" | "password">,
  { port = 0, profiles = [], functionName }: ForStack = {},
): Promise<ConsoleServer> {
  return startConsole({
    port,
    config: {
      url: stack.apiUrl,
      publishableKey: stack.publishableKey,
      ...(profiles.length > 0 && { profiles }),
      ...(functionName !== undefined && { functionName }),
      development: { email: user.email, password: user.password, secretKey: stack.secretKey },
    },
  });
}
