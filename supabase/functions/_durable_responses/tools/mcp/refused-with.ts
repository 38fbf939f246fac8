/** Which HTTP answers say that a call was not made. Whoever stands between may give one although the server has made it. */
import { isRecord } from "../../model/is-record.ts";
import { jsonOf } from "../../model/json-of.ts";

/**
 * With these, a gateway, too, can only refuse what it has not forwarded: credentials, headers, limits, a body that is too large.
 * And a redirect that keeps the request: others may follow on what it has done.
 */
const beforeForwarding: ReadonlySet<number> = new Set(
  [307, 308, 401, 402, 407, 411, 413, 414, 415, 417, 421, 426, 429, 431],
);
/** With these, only an answer in the form of the protocol: a gateway's page may replace one that it could not read or find. */
const ofTheServer: ReadonlySet<number> = new Set([400, 403, 404, 405, 422]);

/** Longest answer in words, in characters. A page is longer. */
const longestWords = 200;
const aboutAnAnswer = /\bresponse\b/i;
const aboutSession =
  /\b(?:no|unknown|invalid|missing|expired)\b[^.]{0,30}\bsession\b|\bsession\b[^.]{0,30}\b(?:not found|unknown|invalid|expired|missing|required|does not exist)\b/i;
const ofAGateway = /[<>]|upstream|gateway|proxy|backend/i;

/** Whether a status, with its body as text, says that the call was not made. */
export function isRefusedWith(status: number, body: string): boolean {
  if (beforeForwarding.has(status)) return !aboutAnAnswer.test(body);
  return ofTheServer.has(status) && (isRpcError(body) || saysForgotten(status, body));
}

/** Whether it says that the session is gone. The protocol uses 404 for this; servers that follow the SDK's example use 400. */
export function saysForgotten(status: number | undefined, body: string): boolean {
  if (status !== 404 && status !== 400) return false;
  if (isRpcError(body)) return status === 404 || /session/i.test(body);
  return status === 404 && body === "" ||
    body.length <= longestWords && aboutSession.test(body) && !ofAGateway.test(body);
}

function isRpcError(body: string): boolean {
  const message = jsonOf(body);
  return isRecord(message) && message["jsonrpc"] === "2.0" && isRecord(message["error"]);
}
