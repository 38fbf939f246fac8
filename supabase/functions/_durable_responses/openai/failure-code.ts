/** Maps an OpenAI error to a failure of the catalog: by its code, its type, its status and its words. */
import type { FailureCode } from "../model/failure.ts";
import type { ReportedError } from "../model/reported-error.ts";

const quotaText =
  /insufficient_quota|usage_not_included|billing_(?:hard_limit|not_active)|exceeded your current quota/i;
const policyCode =
  /^invalid_prompt|(?:^|_)policy(?:_|$)|^content_filter$|^moderation_blocked$|PolicyViolation$/;
const flaggedText = /\binput was flagged\b/i;
/** Words of a limit, where nothing else says so. */
const limitText = /^(?:rate limit (?:is )?(?:reached|exceeded)|too many requests)\b/i;
/** Of a gateway's own quota, which comes back. */
const replenishedText = /\bquota will be replenished\b/i;
const mcpListText = /retrieving tool list from MCP server/i;
const regionText =
  /unsupported_country|country, region, or territory not supported|not (?:available|supported) in your (?:country|region)|your (?:country|region) is not supported/i;
/** OpenAI could not fetch something that the request refers to, for a temporary reason. */
const downloadText =
  /(?:time[sd]?[ -]?out|failed|error|unable|could not|cannot)\b[^.]*\b(?:download|fetch)|(?:download|fetch)\w*\b[^.]*\b(?:time[sd]?[ -]?out|failed)|time[sd]?[ -]?out/i;
const downloadParam = /url|image|file/i;
/** Something that does not exist, or must not be seen, will not be there at the next try either. */
const lastingDownloadText =
  /\b(?:40[0134]|410|45\d)\b|not found|forbidden|unauthorized|unsupported/i;
const invalidRequestCode =
  /^(?!failed_to_download)\w*image|^data_residency_mismatch$|^context_length_exceeded$|_(?:above_max|below_min)_|_too_(?:large|small|long)$|_not_found$|^(?:unsupported|invalid|missing)_|^unknown_(?:parameter|value|type)|^container_expired$/;
const contextText =
  /maximum context length|exceeds? (?:the |this model's )?context|context window/i;

/** Answers about the request itself. An error about a used-up quota has another status, or says so by its code. */
const requestStatuses: ReadonlySet<number> = new Set([400, 404, 413, 415, 422]);

/** Codes and types that mean the same as an HTTP status, for errors without a status. */
const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  bad_request: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  expired_api_key: 401,
  account_deactivated: 401,
  permission_error: 403,
  permission_denied: 403,
  not_found_error: 404,
  model_not_found: 404,
  conflict_error: 409,
  conversation_locked: 409,
  requests: 429,
  tokens: 429,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  too_many_requests: 429,
  slow_down: 429,
  usage_limit_reached: 429,
  api_error: 500,
  server_error: 500,
  internal_error: 500,
  internal_server_error: 500,
  overloaded_error: 503,
  service_unavailable: 503,
  service_unavailable_error: 503,
};

/** Whether an error says that the tools of a server could not be listed. */
export function isListFailure(message: string): boolean {
  return mcpListText.test(message);
}

/** `error.code` is an open set, and quota errors also come under other codes. So the message is read too. */
export function codeOf(told: ReportedError, status: number | undefined): FailureCode {
  const { code, type, message } = told;
  const aboutInput = isAboutInput(told);
  const words = aboutInput || requestStatuses.has(status ?? 0) ? "" : message;
  if (quotaText.test(`${code} ${type} ${words}`)) return "openai_quota_exceeded";
  if (code && policyCode.test(code) || status === 403 && flaggedText.test(words)) {
    return "openai_policy";
  }
  if (!aboutInput && isListFailure(message)) return "mcp_unavailable";
  if (regionText.test(`${code} ${aboutInput ? "" : message}`)) return "openai_region_refused";
  if (isLimit(told, status, aboutInput)) {
    if (isLasting(told)) return "openai_invalid_request";
    return isTooLarge(message) ? "request_too_large" : "openai_rate_limited";
  }
  if (isPassingDownload(told, status)) return "openai_download_failed";
  if (type === "image_generation_user_error") return "openai_invalid_request";
  if (code === "context_length_exceeded" || contextText.test(message) && (status ?? 400) < 500) {
    return "openai_invalid_request";
  }
  return byStatus(told, status);
}

/**
 * Whether an error is about something that the caller sent. OpenAI quotes a URL or value that it rejects, so the message may
 * contain any words, and these must not pause a route, or open its breaker, for everybody else.
 */
function isAboutInput({ code, param }: ReportedError): boolean {
  if (param !== null && !param.startsWith("tools")) return true;
  return invalidRequestCode.test(code ?? "") || /^failed_to_download/.test(code ?? "");
}

/** Whether an error that is sent like a limit says that the request must change. */
function isLasting({ code, type, param }: ReportedError): boolean {
  return invalidRequestCode.test(code ?? "") || type === "invalid_request_error" && param !== null;
}

function isLimit(
  { code, message }: ReportedError,
  status: number | undefined,
  aboutInput: boolean,
) {
  return status === 429 || code === "rate_limit_exceeded" ||
    status === 403 && replenishedText.test(message) ||
    status === undefined && code === null && !aboutInput && limitText.test(message);
}

function byStatus(
  { code, param, message }: ReportedError,
  status: number | undefined,
): FailureCode {
  switch (status) {
    case undefined:
      return invalidRequestCode.test(code ?? "") ? "openai_invalid_request" : "openai_server_error";
    case 400:
    case 422:
      // Another request of the conversation is running.
      if (code === "conversation_locked") return "openai_conflict";
      if (code === "invalid_api_key") return "openai_auth_failed";
      if (refuses("background", code, param, message)) return "background_unsupported";
      if (refuses("stream", code, param, message)) return "stream_unsupported";
      return "openai_invalid_request";
    case 402:
      return "openai_quota_exceeded";
    case 401:
    case 403:
      return "openai_auth_failed";
    case 404:
      return "openai_not_found";
    case 408:
    // Of a load balancer and a proxy whose client has closed the connection.
    case 460:
    case 499:
      return "openai_timeout";
    case 409:
      return "openai_conflict";
    case 424:
      return "mcp_unavailable";
    default:
      return status >= 500 ? "openai_server_error" : "openai_invalid_request";
  }
}

/** Words with which an API refuses a mode, whatever its code. */
const modeTexts: Readonly<Record<string, RegExp>> = {
  // Where nothing may be stored, background is not possible.
  background:
    /\bbackground\b(?: mode)?(?: responses?)? (?:is|are) not (?:supported|available)|\bstore\W{0,3} (?:must|has to) be (?:set to )?false/i,
  stream: /\bmust be verified to stream\b/i,
};

/** Whether the API refuses a parameter that we set ourselves: by its name, or in words. */
function refuses(name: string, code: string | null, param: string | null, message: string) {
  if (param === name) return true;
  if (param !== null && param !== "store") return false;
  const isUnsupported = code === "unsupported_parameter" || code === "unsupported_value";
  return isUnsupported && new RegExp(`\\b${name}`, "i").test(message) ||
    modeTexts[name]?.test(message) === true;
}

/** The HTTP status of an error that came without one. Some errors have it in digits. */
export function statusIn({ code, type }: Pick<ReportedError, "code" | "type">): number | undefined {
  return statusOf(code) ?? statusOf(type);
}

function statusOf(code: string | null): number | undefined {
  if (code === null) return undefined;
  return /^[45]\d\d$/.test(code) ? Number(code) : ownStatus(code);
}

/** What every object has, such as `constructor`, is no code. */
function ownStatus(code: string): number | undefined {
  return Object.hasOwn(statuses, code) ? statuses[code] : undefined;
}

/** A request that is larger than the whole limit: waiting does not make it smaller. */
function isTooLarge(message: string): boolean {
  const limit = amountAfter("limit", message);
  const requested = amountAfter("requested", message);
  if (limit !== undefined && requested !== undefined) return requested > limit;
  return /request (?:is )?too large/i.test(message);
}

function amountAfter(word: string, message: string): number | undefined {
  const [, amount, unit = ""] = new RegExp(
    String.raw`\b${word}\b\s*(?:is|of|was|=|:)?\s*(\d[\d,_]*(?:\.\d+)?)([km]?)\b`,
    "i",
  ).exec(message) ?? [];
  const times = { k: 1_000, m: 1_000_000 }[unit.toLowerCase()] ?? 1;
  return amount === undefined ? undefined : Number(amount.replace(/[,_]/g, "")) * times;
}

function isPassingDownload(
  { code, param, message }: ReportedError,
  status: number | undefined,
): boolean {
  if (status !== undefined && status !== 400 && status !== 422) return false;
  if (code?.startsWith("failed_to_download")) return true;
  const about = downloadParam.test(`${param} ${code}`) || /download|fetch/i.test(message);
  return about && downloadText.test(message) &&
    !lastingDownloadText.test(withoutAddresses(message));
}

function withoutAddresses(message: string): string {
  return message.replace(/https?:\/\/\S+/g, "");
}
