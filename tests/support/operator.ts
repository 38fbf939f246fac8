/** An operator: a signed-in user whose token says so. */
import type { Sql } from "postgres";
import { z } from "zod";
import type { SignedInUser } from "../../packages/dev/auth/auth.ts";
import type { Stack } from "../../packages/dev/stack.ts";

const session = z.looseObject({ access_token: z.string() });

/** A new user with the claim. The token comes from a sign-in after the claim was set. */
export async function createOperator(
  { stack, sql }: { stack: Stack; sql: Sql },
  email?: string,
): Promise<Omit<SignedInUser, "legacyToken">> {
  const user = await stack.createUser(email);
  await sql`
    update auth.users set raw_app_meta_data = raw_app_meta_data || '{"durable_responses": "operator"}'
    where id = ${user.id}`;
  const signedIn = await fetch(`${stack.apiUrl}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { apikey: stack.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email: user.email, password: user.password }),
  });
  const { access_token } = session.parse(await signedIn.json());
  return { id: user.id, email: user.email, password: user.password, token: access_token };
}
