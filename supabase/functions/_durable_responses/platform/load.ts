/** Loads a module when it is first needed, because cold start matters. */
import type { RequestErrorCode } from "../model/refusals.ts";
import { RequestError } from "./errors.ts";

/**
 * Loads a module. If that fails, nothing is known about what the module should have checked, so the request is refused with a
 * code that allows a repeat.
 * @param name for messages
 * @param code must be one of `mayPass`
 * @throws RequestError
 */
export async function load<M>(
  name: string,
  module: () => Promise<M>,
  code: RequestErrorCode = "internal_error",
): Promise<M> {
  try {
    return await module();
  } catch (cause) {
    throw new RequestError(
      code,
      `Cannot load ${name}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        hint: "Send the same request again. If it happens again, check the function's logs",
        retryAfterS: 5,
        cause,
      },
    );
  }
}
