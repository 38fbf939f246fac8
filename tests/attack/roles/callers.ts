/** Every kind of caller, with its credential. */
import { createOperator } from "../../support/operator.ts";
import type { TestStack } from "../../support/stack.ts";

/** As the columns of docs/security.md are named. */
export const callers = [
  "nobody",
  "user",
  "another user",
  "operator",
  "secret key",
  "worker secret",
  "webhook secret",
] as const;
export type CallerName = (typeof callers)[number];

export interface Credential {
  /** A user's token, or the key or secret itself. */
  value: string;
  /** The project's key for the gateway. */
  apikey: string;
}

/** `user` owns the jobs that the others try to reach. */
export async function credentialsOf(
  { stack, sql, user }: TestStack,
): Promise<Record<CallerName, Credential>> {
  const key = stack.publishableKey;
  const other = await stack.createUser();
  const operator = await createOperator({ stack, sql });
  const own = (value: string) => ({ value, apikey: value });
  return {
    nobody: own(key),
    user: { value: user.token, apikey: key },
    "another user": { value: other.token, apikey: key },
    operator: { value: operator.token, apikey: key },
    "secret key": own(stack.secretKey),
    "worker secret": own(stack.workerSecret),
    "webhook secret": own(stack.webhookSecret),
  };
}

/** The headers of the Data API. */
export function apiHeaders({ value, apikey }: Credential): Record<string, string> {
  return { apikey, authorization: `Bearer ${value}` };
}
