/** Which errors say that a request was refused, so that nothing of it was carried out. */
import type { Failure, FailureCode } from "../model/failure.ts";
import { isListFailure } from "./failure-code.ts";
import { isTooLong } from "./too-long.ts";

/**
 * Statuses below 500 with which an API refuses a request. With the others, somebody gave up on it (408, 460, 499), has it
 * already (409), or waited too long for a tool (424): it may still be carried out.
 */
const refusing: ReadonlySet<number> = new Set(
  [400, 401, 402, 403, 404, 405, 413, 414, 415, 422, 429, 431, 451],
);

/** Phrases of proxies between us and OpenAI. */
const gatewayText = /time[sd]?[ -]?out|gateway|upstream|proxy|connect(?:ion| error)|overloaded/i;

/** Codes and types of errors of the request itself. Those of images may also be about what a tool has returned. */
const requestCode =
  /^(?:invalid_request_error|context_length_exceeded|(?:model|previous_response)_not_found|(?:unsupported|invalid|unknown|missing)(?:_required)?_(?:parameter|value|type|request))$/;

/** Refusals that are known by what they say, whatever their code. */
const refusals: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "background_unsupported",
  "stream_unsupported",
  "openai_rate_limited",
  "openai_quota_exceeded",
  "openai_region_refused",
  "request_too_large",
]);

/** Whether an HTTP status below 500 says that the request was not carried out. */
export function isRefusingStatus(status: number, message: string): boolean {
  return refusing.has(status) || status === 424 && isListFailure(message);
}

/** Whether an error is, or may be, of somebody between us and OpenAI who gave up: that says nothing about the run. */
export function mayBeGivenUp({ type, message, status = 500 }: Failure): boolean {
  return gatewayText.test(`${type} ${message}`) ||
    status !== 500 && !isRefusingStatus(status, message);
}

/** Whether an error that came with a 2xx, or first in a stream, is the API's refusal of the request. */
export function isRefusal(why: Failure): boolean {
  if (isListFailure(why.message)) return true;
  return !mayBeGivenUp(why) && (refusals.has(why.code) || isAboutRequest(why));
}

/**
 * Whether a failed response was refused before it ran: the request is not valid, or the tools of a server could not be listed.
 * Limits, quotas, policies and lengths are errors of the model, which OpenAI asks after a call that had its yes; the call's
 * own output may be what is too long.
 */
export function isRefusedBeforeItRan(why: Failure): boolean {
  return isListFailure(why.message) ||
    !mayBeGivenUp(why) && !isTooLong(why) && isAboutRequest(why);
}

function isAboutRequest({ class: kind, type }: Failure): boolean {
  return kind !== "transient" && requestCode.test(type ?? "");
}
