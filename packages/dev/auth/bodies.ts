/** What callers send to Auth. */
import type { Context } from "hono";
import { z } from "zod";
import { AuthFailure } from "./failure.ts";

const profile = z.record(z.string(), z.unknown());
export const signUpBody = z.object({
  email: z.email(),
  password: z.string(),
  data: profile.nullish(),
});
export const passwordBody = z.object({ email: z.string(), password: z.string() });
export const refreshBody = z.object({ refresh_token: z.string() });
export const createUserBody = z.object({
  id: z.uuid().optional(),
  email: z.email(),
  password: z.string().optional(),
  email_confirm: z.boolean().optional(),
  user_metadata: profile.optional(),
  app_metadata: profile.optional(),
});
export const signOutScope = z.enum(["global", "local", "others"]).default("global");

/** The JSON body of a request. Throws AuthFailure when it is none, or not of this shape. */
export async function bodyOf<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  let body: unknown;
  try {
    body = await context.req.json();
  } catch (error) {
    throw new AuthFailure(400, "bad_json", `Could not parse request body as JSON: ${error}`);
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    throw new AuthFailure(422, "validation_failed", z.prettifyError(parsed.error));
  }
  return parsed.data;
}
