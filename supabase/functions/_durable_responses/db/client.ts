import { PostgrestClient, type PostgrestError } from "@supabase/postgrest-js";
import * as z from "../model/zod.ts";
import { environment } from "../platform/environment.ts";
import { RequestError, SQLSTATES } from "../platform/errors.ts";
import { fetchOnce } from "../platform/fetch-once.ts";

/** Longest wait for one database call, ms. */
const DATABASE_TIMEOUT_MS = 10_000;
/** After which a user with too many unfinished jobs may have fewer, s: about as long as a run takes. */
const SOME_FINISH_S = 30;
/** SQLSTATE classes that say the database cannot be reached, is starting, stopping or full; PGRST0xx is PostgREST saying so. */
const UNAVAILABLE = /^(?:08|53|57|PGRST0|PGRST5)/;

let client: PostgrestClient | undefined;

/**
 * Calls a function of supabase/migrations and parses what it returns.
 * @throws RequestError by the function's SQLSTATE, or `database_unavailable`
 */
export async function call<S extends z.$ZodType>(
  name: string,
  args: Record<string, unknown>,
  schema: S,
): Promise<z.infer<S>> {
  const { supabaseUrl, secretKey } = environment();
  // What supabase-js makes of createClient(); all that it loads besides is not used here.
  client ??= new PostgrestClient(`${supabaseUrl}/rest/v1`, {
    headers: { apikey: secretKey, authorization: `Bearer ${secretKey}` },
    fetch: fetchOnce,
  });
  const { data, error, status } = await client.rpc(name, args).abortSignal(
    AbortSignal.timeout(DATABASE_TIMEOUT_MS),
  );
  if (error) throw toRequestError(name, error, status);
  return z.parse(schema, data);
}

function toRequestError(name: string, error: PostgrestError, status: number): RequestError {
  const own = SQLSTATES[error.code];
  if (own) {
    return new RequestError(own, error.message, {
      ...(error.hint && { hint: error.hint }),
      ...(own === "too_many_jobs" && { retryAfterS: SOME_FINISH_S }),
      cause: error,
    });
  }
  // No HTTP status: PostgREST itself was not reached, or did not answer in time.
  if (status === 0 || status >= 502 || UNAVAILABLE.test(error.code)) {
    return new RequestError("database_unavailable", "Cannot reach the database", {
      hint: "Nothing was lost: send the same request again, with the same Idempotency-Key",
      retryAfterS: 5,
      cause: error,
    });
  }
  if (error.code === "PGRST202") {
    return new RequestError(
      "not_configured",
      `Cannot call ${name}: the database does not have it`,
      {
        hint: "Apply the migrations: supabase db push",
        cause: error,
      },
    );
  }
  // A check constraint or a value out of range: what was sent does not fit, and no row was written.
  if (/^2[23]/.test(error.code)) {
    return new RequestError("invalid_request", `Cannot store the request: ${error.message}`, {
      cause: error,
    });
  }
  return new RequestError("internal_error", `Cannot call ${name}: ${error.code} ${error.message}`, {
    cause: error,
  });
}
