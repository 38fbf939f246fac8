/** From OpenAI's answer, or the lack of one, to a failure of the catalog. */
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "openai/core/error";
import type { Failure, FailureCode } from "../model/failure.ts";
import { isRecord } from "../model/is-record.ts";
import { jsonOf } from "../model/json-of.ts";
import { inWords, readReportedError, type ReportedError } from "../model/reported-error.ts";
import type { UpstreamResponse } from "../model/upstream-response.ts";
import { messageOf } from "../platform/log.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { codeOf, statusIn } from "./failure-code.ts";
import { isRefusal, isRefusedWith } from "./refusal.ts";
import { retryDelay } from "./retry-delay.ts";
import { AnswerTooLarge, beginningOf, ErrorAnswer, UnreadableAnswer } from "./unreadable.ts";

/** Connection errors that happen before a request is sent. */
const neverSentText =
  /refused|dns error|name resolution|lookup address|ENOTFOUND|unreachable|certificate/i;

/** Classifies whatever a call to OpenAI threw. An unknown error is ours: `worker_error`. */
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
  if (error instanceof ErrorAnswer) {
    const { told, headers } = error;
    const requestId = headers.get("x-request-id");
    const why = classifyReported(told, "OpenAI answered with a 2xx and an error", {
      headers,
      ...(requestId ? { requestId } : {}),
    });
    return isRefusal(why) ? why : { ...why, maybeAccepted: true };
  }
  if (error instanceof UnreadableAnswer) {
    return makeFailure("answer_unreadable", `Cannot read OpenAI's answer: ${error.message}`, {
      maybeAccepted: true,
      ...(error.requestId ? { requestId: error.requestId } : {}),
    });
  }
  if (error instanceof AnswerTooLarge) {
    return makeFailure("answer_too_large", `Cannot accept OpenAI's answer: ${error.message}`, {
      maybeAccepted: true,
    });
  }
  // A socket that drops while a body is read surfaces as a bare TypeError of fetch.
  if (error instanceof TypeError) {
    return makeFailure("stream_cut", `Cannot read OpenAI's answer: ${error.message}`, {
      maybeAccepted: true,
    });
  }
  return workerError(error);
}

/** What failed in our own code, outside of OpenAI's answers: a module that cannot be loaded, a database that refuses. */
export function workerError(error: unknown): Failure {
  return makeFailure(
    "worker_error",
    `Cannot run the job: ${messageOf(error)}`,
  );
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** Statuses of gateways that have no way to OpenAI, or do not let us pass, and what they mean in an error of the API. */
const pageStatuses: ReadonlySet<number> = new Set([403, 404, 405, 451]);
const pageCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "openai_auth_failed",
  "openai_not_found",
  "openai_invalid_request",
]);

function classifyAnswer(error: APIError): Failure {
  const { status, headers, requestID } = error;
  // The SDK puts the status before the message.
  const plain = error.message.replace(/^\d{3} /, "");
  const bare = bareError(plain);
  const told = readReportedError(error.error) ?? bare?.told ??
    inWords(plain);
  const origin = {
    hasForm: isRecord(error.error) || bare?.isNamed === true,
    hasId: Boolean(requestID),
  };
  return classifyReported(told, `OpenAI answered ${status ?? "in the stream"}`, {
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
    ...(requestID ? { requestId: requestID } : {}),
    isPage: !origin.hasForm && status !== undefined && pageStatuses.has(status),
    // A gateway's own answer does not show whether OpenAI got the request and is working on it, nor does anybody's who gave up.
    maybeAccepted: status !== undefined && !isRefusedWith(status, told, origin),
  });
}

/** An error in a body without an `error` around it. Some servers name it as one: `object: "error"`. */
function bareError(text: string): { told: ReportedError | null; isNamed: boolean } | undefined {
  const value = jsonOf(text);
  return isRecord(value)
    ? { told: readReportedError(value), isNamed: value["object"] === "error" }
    : undefined;
}

/** Classifies the error in an event of a stream, or in a JSON body instead of a stream. */
export function classifyStreamError(told: ReportedError, headers?: Headers): Failure {
  return classifyReported(
    told,
    "OpenAI answered in the stream",
    headers === undefined ? {} : { headers },
  );
}

/** Classifies the error of a failed response: `{code, message}`, without an HTTP status. */
export function classifyResponseError(response: UpstreamResponse, requestId?: string): Failure {
  const told = response.error ??
    { code: "server_error", type: null, param: null, message: noMore, retryAfterMs: null };
  const what = `OpenAI's response${response.id === "" ? "" : ` ${response.id}`} failed with ${
    told.code ?? told.type ?? "no code"
  }`;
  return classifyReported(told, what, requestId ? { requestId } : {});
}

const noMore = "the response failed without details";

function classifyReported(
  told: ReportedError,
  what: string,
  from: {
    status?: number;
    headers?: Headers;
    requestId?: string;
    maybeAccepted?: boolean;
    isPage?: boolean;
  },
): Failure {
  const wait = retryDelay(from.headers, told.message, told.retryAfterMs);
  const type = told.code ?? told.type;
  const status = from.status ?? statusIn(told);
  const code = codeOf(told, status);
  // A gateway's page says nothing about our key, or the model's name. It may have been for this one request.
  const isUnread = from.isPage && pageCodes.has(code);
  return makeFailure(isUnread ? "answer_unreadable" : code, `${what}: ${shown(told.message)}`, {
    ...(status === undefined ? {} : { status }),
    ...(type === null ? {} : { type }),
    ...(from.requestId ? { requestId: from.requestId } : {}),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(from.maybeAccepted ? { maybeAccepted: true } : {}),
  });
}

/** Of a page of HTML, the beginning says what it is. */
function shown(message: string): string {
  return /^\s*</.test(message) ? beginningOf(message) : message;
}
