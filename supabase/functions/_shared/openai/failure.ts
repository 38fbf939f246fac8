import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "openai/core/error";
import type { FailureCode } from "../errors.ts";
import { redact } from "../redact.ts";
import type { Outcome } from "./outcome.ts";

/**
 * What a failure means for the job:
 * unsupported: background cannot do this, a synchronous run can; transient: another try may mend it;
 * permanent: no try will; quota: no try will until somebody pays.
 */
export type FailureClass = "unsupported" | "transient" | "permanent" | "quota";

export interface Failure {
  class: FailureClass;
  code: FailureCode;
  /** What failed, in one sentence, credentials masked. */
  message: string;
  /** What to do about it. */
  hint: string;
  /** OpenAI's own code or type. */
  type?: string;
  /** OpenAI's x-request-id. */
  requestId?: string;
  /** How long OpenAI asks to wait, ms. */
  retryAfterMs?: number;
  /** True when OpenAI may have taken the request all the same: no answer is not a no. */
  maybeAccepted?: boolean;
}

/** Class and hint of each code; the table in docs/errors.md is checked against it. */
export const FAILURES: Record<FailureCode, { class: FailureClass; hint: string }> = {
  background_unsupported: {
    class: "unsupported",
    hint: "Nothing: the job runs synchronously instead",
  },
  background_stuck: {
    class: "transient",
    hint: "Nothing: it was cancelled at OpenAI and runs synchronously instead",
  },
  background_unrecorded: {
    class: "transient",
    hint: "Nothing: OpenAI never confirmed the background run, so the job runs synchronously",
  },
  background_expired: {
    class: "transient",
    hint: "Nothing: OpenAI no longer knows the background response, so the job runs synchronously",
  },
  response_cancelled: {
    class: "transient",
    hint: "Somebody cancelled the response at OpenAI; cancel the job itself to stop it for good",
  },
  response_incomplete: {
    class: "permanent",
    hint:
      "Raise max_output_tokens in the profile, or look at the content filter's reason; then retry the job",
  },
  output_invalid: {
    class: "transient",
    hint:
      "If it repeats, loosen the profile's output schema or say in its instructions what is wanted",
  },
  openai_server_error: {
    class: "transient",
    hint: "If it repeats, give OpenAI's support the request id",
  },
  openai_rate_limited: {
    class: "transient",
    hint: "If it repeats, ask OpenAI for higher limits or spread the load",
  },
  openai_quota_exceeded: {
    class: "quota",
    hint: "Add credit or raise the project's budget at OpenAI, then retry the job",
  },
  openai_timeout: {
    class: "transient",
    hint: "If it repeats, raise the budget that ran out in the profile",
  },
  openai_unreachable: {
    class: "transient",
    hint: "If it repeats, check OPENAI_BASE_URL and OpenAI's status page",
  },
  openai_conflict: {
    class: "transient",
    hint: "If it repeats, give OpenAI's support the request id",
  },
  openai_auth_failed: {
    class: "permanent",
    hint: "Set OPENAI_API_KEY to a valid key that may use this model, then retry the job",
  },
  openai_not_found: {
    class: "permanent",
    hint:
      "Check the profile's model name and that the key's project may use it, then retry the job",
  },
  openai_invalid_request: {
    class: "permanent",
    hint: "Mend the profile or the request as the message says, then retry the job",
  },
  openai_policy: { class: "permanent", hint: "OpenAI refused the content; change the input" },
  mcp_unavailable: {
    class: "transient",
    hint: "Check that the MCP server is up and its credential valid",
  },
  stream_cut: {
    class: "transient",
    hint: "If it repeats, look at what is between the worker and OpenAI",
  },
  stream_stalled: {
    class: "transient",
    hint: "If a tool takes that long, raise budgets.stall_ms in the profile",
  },
  stream_invalid: {
    class: "transient",
    hint: "If it repeats, check what OPENAI_BASE_URL points at",
  },
  attempt_timeout: {
    class: "transient",
    hint: "Raise budgets.attempt_ms in the profile if such runs take longer",
  },
  unknown_profile: {
    class: "permanent",
    hint: "Add the profile to _shared/profiles.ts and deploy, then retry the job",
  },
  secret_not_set: {
    class: "permanent",
    hint: "Set it with `supabase secrets set`, then retry the job",
  },
  worker_lost: {
    class: "transient",
    hint: "See the logs of run-jobs; long runs belong on an off-platform worker",
  },
  worker_error: { class: "transient", hint: "See the logs of run-jobs for the details" },
  deadline_exceeded: {
    class: "permanent",
    hint: "Raise budgets.deadline_ms in the profile, then retry the job",
  },
  budget_exceeded: {
    class: "permanent",
    hint:
      "Make the step shorter, or run an off-platform worker (npm run worker), then retry the job",
  },
  approval_expired: { class: "permanent", hint: "Retry the job to be asked again" },
  repeated_call: {
    class: "permanent",
    hint: "Look whether the call was made a second time, then resolve the job",
  },
  call_uncertain: {
    class: "permanent",
    hint: "Look whether the call happened, then resolve the job",
  },
  checkpoint_too_large: {
    class: "permanent",
    hint: "Ask for less in one job, or have the tools answer more briefly",
  },
  background_skipped: {
    class: "unsupported",
    hint: "Nothing: background kept failing on this route, so the job runs synchronously",
  },
  route_paused: {
    class: "transient",
    hint: "Nothing: the route waits for a rate limit or quota, then the job runs synchronously",
  },
};

/** Makes a failure of a code that we give ourselves. */
export function failure(
  code: FailureCode,
  message: string,
  details: Pick<Failure, "type" | "requestId" | "retryAfterMs" | "maybeAccepted"> = {},
): Failure {
  return {
    class: FAILURES[code].class,
    code,
    message: redact(message),
    hint: FAILURES[code].hint,
    ...details,
    // OpenAI's word, too: it is stored and shown.
    ...(details.type === undefined ? {} : { type: redact(details.type) }),
  };
}

/** Connection errors that come before a request is sent. */
const NEVER_SENT =
  /refused|dns error|name resolution|lookup address|ENOTFOUND|unreachable|certificate/i;

/** Classifies whatever a call to OpenAI threw. What is nobody's known failure is ours: `worker_error`. */
export function classifyError(error: unknown): Failure {
  if (error instanceof APIConnectionTimeoutError) {
    return failure("openai_timeout", "Cannot reach OpenAI: it did not answer in time", {
      maybeAccepted: true,
    });
  }
  if (error instanceof APIUserAbortError) {
    return failure("openai_timeout", "Cannot finish the call to OpenAI: it was aborted", {
      maybeAccepted: true,
    });
  }
  if (error instanceof APIConnectionError) {
    const cause = causeOf(error);
    return failure(
      "openai_unreachable",
      `Cannot reach OpenAI: ${cause}`,
      NEVER_SENT.test(cause) ? {} : { maybeAccepted: true },
    );
  }
  if (error instanceof APIError) return classifyAnswer(error);
  // A socket that drops while a body is read surfaces as a bare TypeError of fetch.
  if (error instanceof TypeError) {
    return failure("stream_cut", `Cannot read OpenAI's answer: ${error.message}`, {
      maybeAccepted: true,
    });
  }
  return failure(
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
  return failure(
    codeOf(error.status, error.code ?? error.type, error.param, message),
    says,
    details,
  );
}

/** Classifies the error that a failed response carries: `{code, message}`, with no HTTP status. */
export function classifyResponseError(response: Outcome, requestId?: string): Failure {
  const { code, message } = response.error ??
    { code: "server_error", message: "the response failed and says no more" };
  return failure(
    codeOf(undefined, code, undefined, message),
    `OpenAI's response ${response.id} failed with ${code}: ${message}`,
    {
      type: code,
      ...(requestId ? { requestId } : {}),
    },
  );
}

const QUOTA = /insufficient_quota|billing_(?:hard_limit|not_active)|exceeded your current quota/i;
const POLICY = /^invalid_prompt|(?:^|_)policy(?:_|$)/;
/** Codes of a failed response that speak of the request: no repeat mends an image that is too large. */
const INVALID = /^(?!failed_to_download)\w*image|^data_residency_mismatch$/;
const MCP_LIST = /retrieving tool list from MCP server/i;

/** `error.code` is an open set, and quota text also comes under other codes: hence the look at the message. */
function codeOf(
  status: number | undefined,
  code: string | null | undefined,
  param: string | null | undefined,
  message: string,
): FailureCode {
  if (QUOTA.test(`${code} ${message}`)) return "openai_quota_exceeded";
  if (code && POLICY.test(code)) return "openai_policy";
  if (MCP_LIST.test(message)) return "mcp_unavailable";
  if (code === "rate_limit_exceeded") return "openai_rate_limited";
  switch (status) {
    case undefined:
      return INVALID.test(code ?? "") ? "openai_invalid_request" : "openai_server_error";
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
