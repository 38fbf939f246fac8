import { ApiError, invalid, quotaExceeded, toolServerFailed, unexplained } from "../errors.ts";
import { type RefusalFault, type RequestFaults, runsAllTheSame } from "../faults/select.ts";
import { wait } from "../wait.ts";
import type { ApiContext } from "./context.ts";
import { answerRaw } from "./raw.ts";

/**
 * Plays the faults that strike before a request is worked on: the delay, and then the refusal.
 * Returns an answer that takes the place of the real one, if there is one.
 *
 * @throws ApiError the refusal
 */
export async function meetFaults(
  context: ApiContext,
  faults: RequestFaults,
  serverLabel: string,
  id = "",
): Promise<Response | undefined> {
  context.get("record").faults = Object.values(faults).flatMap((fault) => fault?.kind ?? []);
  if (faults.delay !== undefined) await wait(faults.delay.ms, context.req.raw.signal);
  const { refusal } = faults;
  if (refusal === undefined || runsAllTheSame(refusal)) return undefined;
  if (refusal.kind === "raw") return answerRaw(context, refusal, id);
  if (refusal.kind === "garbage") return page(context);
  if (refusal.kind === "create-lost") return undefined;
  throw refusalOf(refusal, context.get("requestId"), serverLabel);
}

/** A page of some proxy's, where JSON was expected. */
export function page(context: ApiContext): Response {
  return context.body("<html><body>upstream connect error", 200, {
    "content-type": "application/json",
  });
}

type Refusing = Exclude<RefusalFault, { kind: "create-lost" | "garbage" | "raw" }>;

function refusalOf(fault: Refusing, requestId: string, serverLabel: string): ApiError {
  switch (fault.kind) {
    case "background-unsupported":
      return invalid(
        "background",
        "unsupported_parameter",
        "Unsupported parameter: 'background' is not supported with this model.",
      );
    case "tool-list-failed":
      return toolServerFailed(
        serverLabel,
        "retrieving tool list from",
        "Http status code: 424 (Failed Dependency)",
      );
    case "rate-limited":
      return rateLimited(fault.retryAfterMs ?? 1000);
    case "server-error":
      return new ApiError(fault.status ?? 500, {
        message: fault.status === 503
          ? "The engine is currently overloaded, please try again later."
          : unexplained(requestId),
        type: "server_error",
        code: "server_error",
      });
    case "http-error":
      return new ApiError(fault.status, {
        message: fault.message ?? unexplained(requestId),
        type: fault.type ?? (fault.status >= 500 ? "server_error" : "invalid_request_error"),
        param: fault.param ?? null,
        code: fault.code ?? null,
      });
    case "refuse-items":
      return invalid("input[1]", "invalid_value", "Invalid value: 'mcp_call'.");
    case "quota":
      return quotaExceeded();
  }
}

function rateLimited(retryAfterMs: number): ApiError {
  return new ApiError(429, {
    message: "Rate limit reached for requests. Please try again in " +
      `${
        (retryAfterMs / 1000).toFixed(3)
      }s. Visit https://platform.openai.com/account/rate-limits ` +
      "to learn more.",
    type: "requests",
    code: "rate_limit_exceeded",
  }, {
    "retry-after": String(Math.ceil(retryAfterMs / 1000)),
    "retry-after-ms": String(Math.ceil(retryAfterMs)),
  });
}
