/** Signed URLs: tokens that let whoever has one do one thing with one object, until they expire. */
import { errors, SignJWT } from "jose";
import { z } from "zod";
import type { ApiKeys } from "../auth/keys.ts";
import { readToken } from "../auth/tokens.ts";
import { failures } from "./failure.ts";

/** How long an upload may be sent that was signed, in seconds. */
export const uploadSeconds = 7200;

/** What a token says that lets read. */
export const download = z.object({
  scope: z.literal("download"),
  url: z.string(),
  exp: z.number(),
});
/** What a token says that lets write. */
export const upload = z.object({
  scope: z.literal("upload"),
  url: z.string(),
  upsert: z.boolean(),
  owner: z.string().optional(),
});

export type Signed =
  | { scope: "download"; url: string }
  | { scope: "upload"; url: string; upsert: boolean; owner?: string };

/** `url` is `bucket/name`. */
export function sign(keys: ApiKeys, signed: Signed, seconds: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT(signed).setProtectedHeader({ alg: "HS256" })
    .setIssuedAt(now).setExpirationTime(now + seconds).sign(keys.jwtSecret);
}

/** What a token allows. Throws StorageFailure unless it is of this kind, for this URL, and good now. */
export async function readSigned<T extends { scope: string; url: string }>(
  keys: ApiKeys,
  kind: z.ZodType<T>,
  { url, token }: { url: string; token: string | undefined },
): Promise<T> {
  if (token === undefined) {
    throw failures.invalidRequest("querystring must have required property 'token'");
  }
  let payload: unknown;
  try {
    payload = await readToken(keys, token);
  } catch (error) {
    if (error instanceof errors.JOSEError) throw failures.invalidJwt(error.message);
    throw error;
  }
  const read = kind.safeParse(payload);
  if (!read.success) throw failures.invalidSignature("Token is not scoped for this");
  if (read.data.url !== url) throw failures.invalidSignature("Invalid signature");
  return read.data;
}
