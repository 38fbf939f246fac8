import type { EventBody } from "../../run/stream/shown-event.ts";

/** What an `error` event says; one of no status. */
interface Told {
  code: string | null;
  message: string;
  type?: string;
  /** The response that there is. */
  responseId?: string | undefined;
}

/** The `error` event of a stream, in both of the shapes in which libraries look for what it says. */
export function errorEvent(
  { code, message, type = "server_error", responseId }: Told,
): EventBody {
  const response = responseId === undefined ? {} : { response_id: responseId };
  return {
    type: "error",
    code,
    message,
    param: null,
    ...response,
    error: { type, code, message, param: null, ...response },
  };
}
