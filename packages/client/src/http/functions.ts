/** Requests to the Edge Function `respond`, sent by supabase-js with the caller's token. */
import {
  FunctionsFetchError,
  FunctionsHttpError,
  FunctionsRelayError,
  type SupabaseClient,
} from "@supabase/supabase-js";
import { readJobRow } from "../data/job-row.ts";
import { errorFor, ServerError } from "../errors.ts";
import type { Job } from "../types/job.ts";

export interface FunctionCall {
  /** The part after the function's name: `""`, `/<id>/cancel` … */
  path: string;
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

type Functions = SupabaseClient["functions"];

/**
 * Sends one POST and reads the job in the answer.
 * @throws DurableResponsesError, or the signal's reason
 */
export function callFunction(
  functions: Functions,
  name: string,
  { path, body, headers, signal }: FunctionCall,
): Promise<Job> {
  return send(functions, name + path, {
    method: "POST",
    body: body ?? {},
    ...(headers && { headers }),
    ...(signal && { signal }),
  }, readJobRow);
}

/**
 * Sends one DELETE and reads the confirmation.
 * @throws DurableResponsesError, or the signal's reason
 */
export function callDelete(
  functions: Functions,
  name: string,
  { path, signal }: Pick<FunctionCall, "path" | "signal">,
): Promise<void> {
  return send(functions, name + path, { method: "DELETE", ...(signal && { signal }) }, (data) => {
    if (!isRecord(data) || data["deleted"] !== true) {
      throw new TypeError("Cannot tell whether the job was deleted: the answer does not say so");
    }
  });
}

async function send<T>(
  functions: Functions,
  path: string,
  options: NonNullable<Parameters<Functions["invoke"]>[1]>,
  read: (data: unknown) => T,
): Promise<T> {
  const { data, error, response } = await functions.invoke<unknown>(path, options);
  options.signal?.throwIfAborted();
  if (error) throw await toError(error);
  try {
    return read(data);
  } catch (cause) {
    throw new ServerError(
      "invalid_answer",
      `Cannot read the answer of ${path}`,
      {
        status: response?.status,
        requestId: response && requestIdOf(response.headers),
        hint: "Is the function deployed, and of the same version as the client?",
        cause,
      },
    );
  }
}

async function toError(error: unknown): Promise<Error> {
  if (
    error instanceof FunctionsHttpError || error instanceof FunctionsRelayError
  ) {
    const answer: unknown = error.context;
    if (isAnswer(answer)) return await errorOfAnswer(answer, error);
  }
  const cause: unknown = error instanceof FunctionsFetchError ? error.context : error;
  return errorFor(
    undefined,
    "network_error",
    "Cannot reach the function: no answer came",
    {
      hint: "Check the connection and the project's URL",
      cause,
    },
  );
}

async function errorOfAnswer(answer: Response, cause: unknown): Promise<Error> {
  const { code, message, hint } = readRefusal(await answer.text());
  return errorFor(answer.status, code ?? `http_${answer.status}`, message, {
    hint,
    requestId: requestIdOf(answer.headers),
    retryAfterMs: retryAfterOf(answer.headers),
    cause,
  });
}

/** What to do where the platform knows no such function. */
const notDeployed =
  "Deploy the function. If init --function-name gave it another name than respond, pass that as functionName";

/** `{error: {code, message, hint?}}` from the function, or `{code?, message}` from the gateway in front of it. */
function readRefusal(
  text: string,
): { code?: string; message: string; hint?: string } {
  const plain = { message: text.slice(0, 200) || "The answer was empty" };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return plain;
    throw error;
  }
  const refusal = isRecord(body) && isRecord(body["error"]) ? body["error"] : body;
  if (!isRecord(refusal) || typeof refusal["message"] !== "string") {
    return plain;
  }
  const { code, message, hint } = refusal;
  return {
    message,
    ...(typeof code === "string" && { code }),
    ...hintOf(hint, code),
  };
}

/** The hint of the answer, and what to do where there is no such function: `dev` adds which there are. */
function hintOf(hint: unknown, code: unknown): { hint?: string } {
  const given = typeof hint === "string" ? hint : undefined;
  if (code === "NOT_FOUND") return { hint: given ? `${notDeployed}. ${given}` : notDeployed };
  return given === undefined ? {} : { hint: given };
}

/** By its shape, because the caller's own `fetch` may have its own Response class. */
function isAnswer(value: unknown): value is Response {
  return isRecord(value) && typeof value["status"] === "number" &&
    typeof value["text"] === "function" && isRecord(value["headers"]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function requestIdOf(headers: Headers): string | undefined {
  return headers.get("sb-request-id") ?? headers.get("x-request-id") ??
    undefined;
}

/** Retry-After, which is in seconds or a date, in ms from now. */
function retryAfterOf(headers: Headers): number | undefined {
  const given = headers.get("retry-after");
  if (given === null) return undefined;
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
