/** The body of an OpenAI error, under `error`. */
export interface ErrorBody {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

/** A refusal as OpenAI words it: thrown anywhere, answered as `{error: …}` with `status`. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    body: { message: string; type?: string; param?: string | null; code?: string | null },
    headers: Record<string, string> = {},
  ) {
    super(body.message);
    this.status = status;
    this.headers = headers;
    this.body = {
      message: body.message,
      type: body.type ?? "invalid_request_error",
      param: body.param ?? null,
      code: body.code ?? null,
    };
  }
}

/** 400 for one parameter of the request. */
export function invalid(
  param: string | null,
  code: string | null,
  message: string,
): ApiError {
  return new ApiError(400, { message, param, code });
}

/** 404 as OpenAI answers for a response that is not there, deleted or never stored. */
export function responseNotFound(id: string): ApiError {
  return new ApiError(404, { message: `Response with id '${id}' not found.` });
}

export function quotaExceeded(): ApiError {
  return new ApiError(429, {
    message: quotaMessage,
    type: "insufficient_quota",
    code: "insufficient_quota",
  });
}

export const quotaMessage =
  "You exceeded your current quota, please check your plan and billing details. " +
  "For more information on this error, read the docs: " +
  "https://platform.openai.com/docs/guides/error-codes/api-errors.";

/** The message of a failure with no explanation, as the field reports it. `id` is wfr_… or req_…. */
export function unexplained(id: string): string {
  return "An error occurred while processing your request. You can retry your request, or contact us " +
    "through our help center at help.openai.com if the error persists. " +
    `Please include the request ID ${id} in your message.`;
}

/** The 424 of a tool server that cannot be reached, refuses, or takes too long. */
export function toolServerFailed(serverLabel: string, doing: string, detail: string): ApiError {
  return new ApiError(424, {
    message: `Error ${doing} MCP server: '${serverLabel}'. ${detail}`,
    type: "external_connector_error",
    param: "tools",
    code: "http_error",
  });
}
