import type { PostgrestError } from "@supabase/supabase-js";
import { repeatableSqlstates, sqlstates } from "../model/refusals.ts";
import * as z from "../model/zod.ts";
import { RequestError } from "../platform/errors.ts";
import { supabase } from "../platform/supabase.ts";

/** Longest wait for one database call, including its repeats, in ms. */
const databaseTimeoutMs = 10_000;
/** How often a call is repeated if its transaction was rolled back because of a conflict with another. */
const maxRepeats = 3;
/** Longest pause before the first repeat, in ms; twice that before the second, and so on. */
const repeatPauseMs = 25;
/** When a user with too many unfinished jobs may try again, in s: about as long as a run takes. */
const someFinishS = 30;
/** When to try again if migrations and functions do not match, in s: as long as a deployment takes. */
const deployedS = 60;
/**
 * SQLSTATE classes that mean that the database cannot be reached, is starting, stopping or full. PGRST0xx is PostgREST's way
 * to say so.
 */
const unavailableStates = /^(?:08|53|57|PGRST0|PGRST5)/;
/** PostgREST found no function with this name and these arguments: the migrations have another version. */
const noSuchFunction = "PGRST202";
/** PostgREST's connection to the database broke while it was in use. */
const brokenOff = "PGRST001";

/**
 * Calls a function of supabase/migrations and parses what it returns.
 * @throws RequestError by the function's SQLSTATE, or `database_unavailable`
 */
export async function call<S extends z.$ZodType>(
  name: string,
  args: Record<string, unknown>,
  schema: S,
): Promise<z.infer<S>> {
  const database = await supabase();
  const signal = AbortSignal.timeout(databaseTimeoutMs);
  for (let repeats = 0;; repeats++) {
    const { data, error, status } = await database.rpc(name, args).abortSignal(signal);
    if (!error) return z.parse(schema, data);
    if (!repeatableSqlstates.has(error.code) || repeats === maxRepeats) {
      throw toRequestError(name, error, status);
    }
    await pause(Math.random() * repeatPauseMs * 2 ** repeats);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function toRequestError(name: string, error: PostgrestError, status: number): RequestError {
  const own = error.code === noSuchFunction ? "schema_mismatch" : sqlstates[error.code];
  if (own === "schema_mismatch") return schemaMismatch(name, error);
  if (own) {
    return new RequestError(own, error.message, {
      hint: error.hint || "Change the request as the message says",
      ...(own === "too_many_jobs" && { retryAfterS: someFinishS }),
      ...(own === "job_deleted" && { jobId: error.details }),
      cause: error,
    });
  }
  // No HTTP status: PostgREST itself was not reached, or did not answer in time. A 500 without a code, or an answer that says
  // nothing, is not one of its errors: something in between failed, or its answer was cut off. supabase-js passes on whatever
  // JSON came as the error, so the message may be missing.
  const saysNothing = String(error.message ?? "").trim() === "";
  const isCutOff = !error.code && (status === 500 || saysNothing);
  if (status === 0 || status >= 502 || isCutOff || unavailableStates.test(error.code)) {
    return unavailable("Cannot reach the database", error, isUnanswered(error, status));
  }
  if (repeatableSqlstates.has(error.code)) {
    return unavailable(
      `Cannot call ${name}: it conflicted with other calls ${maxRepeats + 1} times`,
      error,
    );
  }
  // A check constraint or a value out of range: the request does not fit, and no row was written.
  if (/^2[23]/.test(error.code)) {
    return new RequestError("invalid_request", `Cannot store the request: ${error.message}`, {
      hint: "Nothing was stored. Change the value that the message names",
      cause: error,
    });
  }
  return new RequestError(
    "internal_error",
    `Cannot call ${name}: HTTP ${status} ${error.code ?? ""} ${error.message}`,
    {
      hint: "Send the same request again. If it happens again, check the database's logs",
      cause: error,
    },
  );
}

/** Whether the call may have been carried out anyway: nobody answered, or the connection broke in the middle. */
function isUnanswered({ code }: PostgrestError, status: number): boolean {
  return status === 0 || !code || code === brokenOff;
}

function unavailable(message: string, cause: PostgrestError, unanswered = false): RequestError {
  return new RequestError("database_unavailable", message, {
    unanswered,
    hint: "Nothing was lost. Send the same request again with the same Idempotency-Key",
    retryAfterS: 5,
    cause,
  });
}

function schemaMismatch(name: string, cause: PostgrestError): RequestError {
  const message = cause.code === noSuchFunction
    ? "the database's schema does not have this version of it"
    : cause.message;
  return new RequestError("schema_mismatch", `Cannot call ${name}: ${message}`, {
    hint:
      "Apply the migrations, then deploy the functions of the same version: supabase db push, supabase functions deploy",
    retryAfterS: deployedS,
    cause,
  });
}
