/** Which errors say that a request was refused, so that nothing of it was carried out. */
import type { Failure, FailureCode } from "../model/failure.ts";
import type { ReportedError } from "../model/reported-error.ts";
import { isListFailure, statusIn } from "./failure-code.ts";
import { isTooLong } from "./too-long.ts";

/**
 * Who is believed that a request was refused with a status:
 * - `anyone`: a gateway, too, can say it only before it forwards the request
 * - `api`: only an error in the form of the API's. A gateway's page may replace an answer that it could not read, or did not like
 * - `openai`: only such an error with OpenAI's request id
 *
 * Every other status says that somebody gave up on the request (408, 460, 499, 502, 504), has it already (409), or waited too
 * long for a tool (424): it may still be carried out.
 */
const refusing: Readonly<Record<number, "anyone" | "api" | "openai">> = {
  // Also a page for an answer that could not be read.
  400: "api",
  // Credentials and balance are checked first.
  401: "anyone",
  402: "anyone",
  // Firewalls also block answers.
  403: "api",
  // What a server says whose error page is not there, or may not be asked for by POST.
  404: "api",
  405: "api",
  // What a proxy checks before it reads a body: its own credentials, and the headers.
  407: "anyone",
  411: "anyone",
  // A body that is not forwarded whole cannot be carried out.
  413: "anyone",
  414: "anyone",
  415: "anyone",
  417: "anyone",
  421: "anyone",
  422: "api",
  426: "anyone",
  // Limits are counted first.
  429: "anyone",
  431: "anyone",
  451: "api",
  // A gateway has them too, for an answer that broke off.
  500: "openai",
  503: "openai",
};

/** Words of somebody who gave up on a request, or has it already. */
const gaveUpText =
  /time[sd]?[ -]?out|gateway|upstream|proxy|connect(?:ion| error)|client closed|disconnect|hung up|aborted|cancell?ed|in progress/i;
/** Words about an answer that was too large, and not a request: there was one. */
const answerText = /\bresponse\b.*\b(?:payload|body|size|length|large|long|exceed)/i;
/** Phrases of proxies between us and OpenAI. */
const gatewayText = new RegExp(`${gaveUpText.source}|overloaded`, "i");

/** Codes and types of errors of the request itself. Those of images may also be about what a tool has returned. */
const requestCode =
  /^(?:invalid_request_error|context_length_exceeded|(?:model|previous_response)_not_found|(?:unsupported|invalid|unknown|missing)(?:_required)?_(?:parameter|value|type|request))$/;

/** Refusals that are known by what they say, whatever their code. */
const refusals: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "background_unsupported",
  "stream_unsupported",
  "openai_rate_limited",
  "openai_quota_exceeded",
  "openai_auth_failed",
  "openai_key_refused",
  "openai_region_refused",
  "request_too_large",
]);

/** Whether an HTTP status below 500 says that the request was not carried out. */
export function isRefusingStatus(status: number, message: string): boolean {
  return status < 500 && status in refusing || status === 424 && isListFailure(message);
}

/** Whose an answer seems to be. */
export interface Origin {
  /** Whether it has the form of the API's errors. */
  hasForm: boolean;
  /** Whether it has the API's request id. */
  hasId: boolean;
}

/** Whether an answer with a status of 400 or more says that the request was not carried out. */
export function isRefusedWith(status: number, told: ReportedError, origin: Origin): boolean {
  const { hasForm, hasId } = origin;
  const isGivenUp = !isNamed(told) && gaveUpText.test(`${told.type} ${told.message}`);
  switch (refusing[status]) {
    case "anyone":
      return isNamed(told) || !answerText.test(told.message);
    case "api":
      return hasForm && !isGivenUp;
    case "openai":
      return hasForm && hasId && !isGivenUp;
    default:
      return isRefusingStatus(status, told.message);
  }
}

/** Whether an error names what is wrong with the request, so that its words may quote anything. */
function isNamed({ code, param }: ReportedError): boolean {
  return param !== null || code !== null && statusIn({ code, type: null }) === undefined;
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

/** Errors that the model may have, too. */
const ofModel: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "openai_rate_limited",
  "openai_quota_exceeded",
  "openai_policy",
]);

/**
 * Whether an error may be the model's, which OpenAI asks after a call that had its yes: a limit, a quota, a policy, or a length.
 * The call's own output may be what is too long.
 */
export function mayBeOfModel(why: Failure): boolean {
  return ofModel.has(why.code) || isTooLong(why);
}

/**
 * Whether a failed response was refused before it ran: the request is not valid, or the tools of a server could not be listed.
 */
export function isRefusedBeforeItRan(why: Failure): boolean {
  return isListFailure(why.message) ||
    !mayBeGivenUp(why) && !mayBeOfModel(why) && isAboutRequest(why);
}

/** Statuses of refusals that may also be about what the model was asked after a call. */
const ofTheModel: ReadonlySet<number> = new Set([400, 402, 413, 422, 429]);

/**
 * Whether a refusal surely came before the request was carried out, although it was not streamed: an answer in one piece comes
 * when everything is done, and the model may have met a limit after a call.
 */
export function isSurelyBefore(why: Failure): boolean {
  const { status } = why;
  return status !== undefined && status < 500 && !ofTheModel.has(status) ||
    isRefusedBeforeItRan(why);
}

function isAboutRequest({ class: kind, type }: Failure): boolean {
  return kind !== "transient" && requestCode.test(type ?? "");
}
