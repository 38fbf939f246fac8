/** One HTTP request to the project, and the errors if it cannot be made. */
import { errorCode, Failure } from "../failure.ts";
import { isLocal } from "../terminal/here.ts";

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text as it is. */
  body: unknown;
}

export interface HttpRequest {
  method?: "GET" | "POST" | "PATCH";
  headers?: Record<string, string>;
  /** Sent as JSON; a string as it is. */
  body?: unknown;
  /** Longest wait, in ms. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 15_000;

/** @throws Failure if no answer came: no network, no such host, too slow */
export async function send(
  url: string,
  request: HttpRequest = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body, timeoutMs = defaultTimeoutMs } = request;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined &&
        { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: asJson(await response.text()),
    };
  } catch (cause) {
    throw new Failure(
      `Cannot reach ${new URL(url).origin}: ${reason(cause, timeoutMs)}`,
      {
        hint: isLocal(url)
          ? "Start the local stack (npx durable-responses dev, or supabase start), or correct the URL"
          : "Check the network and the project's URL. If the project is paused, restore it in the dashboard",
        cause,
      },
    );
  }
}

function reason(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${timeoutMs / 1000} s`;
  }
  // fetch wraps the error that says what happened.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const known: Record<string, string> = {
    ENOTFOUND: "there is no such host",
    EAI_AGAIN: "the name cannot be resolved (no network?)",
    ECONNREFUSED: "nothing listens there",
    ECONNRESET: "the connection was cut",
    CERT_HAS_EXPIRED: "its certificate has expired",
  };
  const code = errorCode(cause) ?? "";
  return known[code] ??
    (code || (cause instanceof Error ? cause.message : String(cause)));
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Perhaps a proxy's HTML page, or an empty body: shown as it came.
    return text;
  }
}
