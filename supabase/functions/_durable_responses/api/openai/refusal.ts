import { responseIdOf } from "../../model/ids.ts";
import { mayPass, type RequestErrorCode } from "../../model/refusals.ts";
import { RequestError } from "../../platform/errors.ts";
import { describe, log } from "../../platform/log.ts";
import { redact } from "../../platform/redact.ts";
import { inResponseWords } from "./response-words.ts";

export interface RefusalDetails {
  param?: string | null;
  code?: string | null;
  /** Whether the openai SDK may repeat the request automatically. */
  retry?: boolean;
  retryAfterS?: number | undefined;
  /** The response that it is about, although there is no answer. */
  responseId?: string;
  /** The allowed methods; sent as Allow. */
  allow?: string;
  cause?: unknown;
}

/** A refusal in OpenAI's shape: `{error: {message, type, param, code}}`. */
export class Refusal extends Error {
  readonly details: RefusalDetails;

  constructor(readonly status: number, message: string, details: RefusalDetails = {}) {
    super(message, { cause: details.cause });
    this.details = details;
  }

  /** The body of the answer, with secrets masked. */
  toBody() {
    const { param = null, code = null, responseId } = this.details;
    const type = this.status >= 500 ? "server_error" : "invalid_request_error";
    return {
      error: {
        message: redact(this.message),
        type,
        param,
        code,
        ...(responseId !== undefined && { response_id: responseId }),
      },
    };
  }
}

/** 400 for one parameter of the request. */
export function invalidParam(param: string, code: string, message: string): Refusal {
  return new Refusal(400, message, { param, code });
}

/** 404 for a response that does not exist, or is somebody else's. */
export function responseNotFound(id: string): Refusal {
  return new Refusal(404, `Response with id '${id.slice(0, 100)}' not found`, {
    code: "response_not_found",
  });
}

/** 400 for a `previous_response_id` that names no response, or somebody else's. */
export function previousNotFound(id: string): Refusal {
  return invalidParam(
    "previous_response_id",
    "previous_response_not_found",
    `Previous response with id '${id.slice(0, 100)}' not found`,
  );
}

/** OpenAI's errors have one text. One that quotes OpenAI may end with its period. */
export function withHint(
  { message, hint }: { message: string; hint?: string | undefined },
): string {
  return hint === undefined ? message : `${message.replace(/[.]+$/, "")}. ${hint}`;
}

/** Our codes for which OpenAI has its own. */
const openaiCodes: Partial<Record<RequestErrorCode, string>> = {
  unknown_profile: "model_not_found",
  missing_token: "invalid_api_key",
  invalid_token: "invalid_api_key",
  job_not_found: "response_not_found",
  job_deleted: "response_deleted",
};

/** The parameter of refusals that do not name one themselves. */
const params: Partial<Record<RequestErrorCode, string>> = {
  unknown_profile: "model",
  file_not_found: "input",
  stored_prompt: "prompt",
};

/** Refusals that come before anything is accepted: a repeat cannot be a second job. */
const neverAccepted: ReadonlySet<RequestErrorCode> = new Set(["storage_unavailable", "overloaded"]);

/**
 * Turns whatever a handler threw into a Refusal. An unexpected error is a 500 without details.
 * @param mayRepeat whether it is harmless to send the request again
 */
export function toRefusal(error: unknown, mayRepeat: boolean): Refusal {
  if (error instanceof Refusal) return error;
  if (!(error instanceof RequestError)) {
    log.error("request failed", { error: describe(error) });
    return new Refusal(500, "Cannot answer the request: internal error", {
      code: "internal_error",
      retry: mayRepeat,
      cause: error,
    });
  }
  if (error.status >= 500) {
    log.error("request failed", { error: describe(error), code: error.code });
  }
  return new Refusal(error.status, withHint(inResponseWords(error)), {
    code: openaiCodes[error.code] ?? error.code,
    param: error.param ?? params[error.code] ?? null,
    retry: mayPass.has(error.code) &&
      // Below 500 nothing was accepted.
      (error.status < 500 || mayRepeat || neverAccepted.has(error.code)),
    retryAfterS: error.retryAfterS,
    ...(error.jobId !== undefined && { responseId: responseIdOf(error.jobId) }),
    cause: error,
  });
}
