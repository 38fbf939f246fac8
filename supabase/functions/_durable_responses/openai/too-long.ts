/** Whether a failure says that the request was too long. */
import type { Failure } from "../model/failure.ts";

const tooLongText =
  /context (?:length|window)|too (?:long|large|big|many tokens)|maximum (?:context|length|size)/i;

/** True for a request that was too long: the same facts may still fit in a shorter form. */
export function isTooLong({ code, type, status, message }: Failure): boolean {
  return code === "request_too_large" || type === "context_length_exceeded" || status === 413 ||
    code === "openai_invalid_request" && tooLongText.test(message);
}
