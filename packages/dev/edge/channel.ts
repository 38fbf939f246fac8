/** What both ends of a worker's control connection share; free of libraries, as it loads in the worker. */

import { TextLineStream } from "../lines.ts";

/** Environment variable that carries `port:token` to a worker. */
export const controlVariable = "EDGE_WORKER_CONTROL";

/**
 * Header with the worker's token. A worker listens on a port of its own, where any page in the browser could reach it, past what
 * the gateway checks: it answers its manager only.
 */
export const tokenHeader = "x-edge-worker-token";

/** Variables meant for Deno itself, to find its cache. Like the one above, gone before product code runs. */
export const runtimeVariables = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "NO_COLOR"];

/** The lines that arrive on the connection. */
export function linesOf(connection: Deno.TcpConn): ReadableStream<string> {
  return connection.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
}
