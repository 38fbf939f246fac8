/** Failed responses of which nothing was carried out. */
import type { Failure } from "../model/failure.ts";
import { isListFailure } from "./failure-code.ts";
import { isTooLong } from "./too-long.ts";

/** Codes and types of errors of the request itself. Those of images may also be about what a tool has returned. */
const requestCode =
  /^invalid_request_error$|^(?:model|previous_response)_not_found$|^(?:unsupported|invalid|unknown|missing)(?:_required)?_(?:parameter|value|type|request)$/;

/**
 * Whether a failed response was refused before it ran: the request is not valid, or the tools of a server could not be listed.
 * Limits, quotas, policies and lengths are errors of the model, which OpenAI asks after a call that had its yes; the call's
 * own output may be what is too long.
 */
export function refusedBeforeItRan(why: Failure): boolean {
  if (isTooLong(why)) return false;
  return isListFailure(why.message) ||
    why.class !== "transient" && requestCode.test(why.type ?? "");
}
