import type { EventBody } from "../../run/stream/shown-event.ts";

/** The content of an `error` event, which has no status. */
interface Told {
  code: string | null;
  message: string;
  type?: string;
  /** The response that exists. */
  responseId?: string | undefined;
}

/** The `error` event of a stream, in both shapes in which libraries look for its content. */
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
