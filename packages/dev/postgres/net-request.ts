/** One HTTP request of pg_net's queue, sent as pg_net sends it. */

export interface NetRequest {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string> | null;
  body: string | null;
  timeoutMs: number;
}

/** A row of net._http_response. */
export type NetResponse = {
  id: string;
  status_code: number | null;
  content_type: string | null;
  headers: Record<string, string> | null;
  content: string | null;
  timed_out: boolean | null;
  error_msg: string | null;
};

/** Sends it and reads the answer within its timeout; a failure is a response row with `error_msg`, never an error. */
export async function sendRequest(
  client: Deno.HttpClient,
  request: NetRequest,
): Promise<NetResponse> {
  try {
    const response = await fetch(request.url, {
      client,
      method: request.method.toUpperCase(),
      headers: { "user-agent": "pg_net/0.20.0", ...request.headers },
      body: request.body,
      redirect: "manual",
      signal: AbortSignal.timeout(request.timeoutMs),
    });
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: Object.fromEntries(response.headers),
      // A text column cannot hold the character 0.
      content: (await response.text()).replaceAll("\0", ""),
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    return {
      id: request.id,
      status_code: null,
      content_type: null,
      headers: null,
      content: null,
      timed_out: timedOut ? true : null,
      error_msg: timedOut
        ? `Timeout of ${request.timeoutMs} ms reached`
        : error instanceof Error
        ? error.message
        : String(error),
    };
  }
}
