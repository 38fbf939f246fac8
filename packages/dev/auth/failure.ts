/** Refusals in the words of Supabase Auth. */
import type { Context } from "hono";

/** A refusal; `code` is one of Supabase Auth's error codes. */
export class AuthFailure extends Error {
  override name = "AuthFailure";

  constructor(
    readonly status: 400 | 401 | 403 | 404 | 422,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const versionHeader = "x-supabase-api-version";
/** Clients that send this version or a later one get the error code in `code`, older ones in `error_code`. */
const codesVersion = "2024-01-01";

/** The answer to a refused request; any other error is thrown on. */
export function failureAnswer(error: Error, context: Context): Response {
  if (!(error instanceof AuthFailure)) throw error;
  const { status, code, message } = error;
  if ((context.req.header(versionHeader) ?? "") < codesVersion) {
    return context.json({ code: status, error_code: code, msg: message }, status);
  }
  return context.json({ code, message }, status, { [versionHeader]: codesVersion });
}
