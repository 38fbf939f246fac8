/** Modules that are loaded by who needs them first: cold start counts. */
import type { RequestErrorCode } from "../model/refusals.ts";
import { RequestError } from "./errors.ts";

/**
 * A module, or a refusal that says that it cannot be loaded now: nothing follows from that about what it was to judge. The next
 * who needs it asks again.
 * @param name for people
 * @param code whose status says that the same request may be answered later
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
