/** From an answer of OpenAI, or from the lack of one, to a failure of the catalogue. */
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "openai/core/error";
import type { Failure, FailureCode } from "../model/failure.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { makeFailure } from "../platform/make-failure.ts";

/** Connection errors that come before a request is sent. */
const neverSentText =
  /refused|dns error|name resolution|lookup address|ENOTFOUND|unreachable|certificate/i;

/** Classifies whatever a call to OpenAI threw. What is nobody's known failure is ours: `worker_error`. */
export function classifyError(error: unknown): Failure {
  if (error instanceof APIConnectionTimeoutError) {
    return makeFailure("openai_timeout", "Cannot reach OpenAI: it did not answer in time", {
      maybeAccepted: true,
    });
  }
  if (error instanceof APIUserAbortError) {
    return makeFailure("openai_timeout", "Cannot finish the call to OpenAI: it was aborted", {
      maybeAccepted: true,
    });
  }
  if (error instanceof APIConnectionError) {
    const cause = causeOf(error);
    return makeFailure(
      "openai_unreachable",
      `Cannot reach OpenAI: ${cause}`,
      neverSentText.test(cause) ? {} : { maybeAccepted: true },
    );
  }
  if (error instanceof APIError) return classifyAnswer(error);
  // A socket that drops while a body is read surfaces as a bare TypeError of fetch.
  if (error instanceof TypeError) {
    return makeFailure("stream_cut", `Cannot read OpenAI's answer: ${error.message}`, {
      maybeAccepted: true,
    });
  }
  return makeFailure(
    "worker_error",
    `Cannot run the job: ${error instanceof Error ? error.message : String(error)}`,
  );
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function classifyAnswer(error: APIError): Failure {
  const wait = retryAfterMs(error.headers);
  const details = {
    ...(error.code ?? error.type ? { type: String(error.code ?? error.type) } : {}),
    ...(error.requestID ? { requestId: error.requestID } : {}),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
  // The SDK puts the status in front of the message.
  const message = error.message.replace(/^\d{3} /, "");
  const says = `OpenAI answered ${error.status ?? "in the stream"}: ${message}`;
  return makeFailure(
    codeOf(error.status, error.code ?? error.type, error.param, message),
    says,
    details,
  );
}

/** Classifies the error that a failed response carries: `{code, message}`, with no HTTP status. */
export function classifyResponseError(response: UpstreamResponse, requestId?: string): Failure {
  const { code, message } = response.error ??
    { code: "server_error", message: "the response failed and says no more" };
  return makeFailure(
    codeOf(undefined, code, undefined, message),
    `OpenAI's response ${response.id} failed with ${code}: ${message}`,
    {
      type: code,
      ...(requestId ? { requestId } : {}),
    },
  );
}

const quotaText =
  /insufficient_quota|billing_(?:hard_limit|not_active)|exceeded your current quota/i;
const policyCode = /^invalid_prompt|(?:^|_)policy(?:_|$)/;
/** Codes of a failed response that speak of the request: no repeat makes a large image smaller. */
const invalidRequestCode = /^(?!failed_to_download)\w*image|^data_residency_mismatch$/;
const mcpListText = /retrieving tool list from MCP server/i;

/** `error.code` is an open set, and quota text also comes under other codes: hence the look at the message. */
function codeOf(
  status: number | undefined,
  code: string | null | undefined,
  param: string | null | undefined,
  message: string,
): FailureCode {
  if (quotaText.test(`${code} ${message}`)) return "openai_quota_exceeded";
  if (code && policyCode.test(code)) return "openai_policy";
  if (mcpListText.test(message)) return "mcp_unavailable";
  if (code === "rate_limit_exceeded") return "openai_rate_limited";
  switch (status) {
    case undefined:
      return invalidRequestCode.test(code ?? "") ? "openai_invalid_request" : "openai_server_error";
    case 400:
    case 422:
      return param === "background" ||
          (code === "unsupported_parameter" && /background/i.test(message))
        ? "background_unsupported"
        : "openai_invalid_request";
    case 401:
    case 403:
      return "openai_auth_failed";
    case 404:
      return "openai_not_found";
    case 408:
      return "openai_timeout";
    case 409:
      return "openai_conflict";
    case 424:
      return "mcp_unavailable";
    case 429:
      return "openai_rate_limited";
    default:
      return status >= 500 ? "openai_server_error" : "openai_invalid_request";
  }
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date; in ms. */
function retryAfterMs(headers: Headers | undefined): number | undefined {
  const precise = Number(headers?.get("retry-after-ms") ?? NaN);
  if (precise >= 0) return Math.ceil(precise);
  const plain = headers?.get("retry-after");
  if (!plain) return undefined;
  const ms = Number.isNaN(Number(plain)) ? Date.parse(plain) - Date.now() : Number(plain) * 1000;
  return Number.isFinite(ms) && ms > 0 ? Math.ceil(ms) : undefined;
}
