/** Why a body does not fit its schema: what was expected, what came, and which fields there are. */
import { flawIn } from "../../model/flaw.ts";
import { isRecord } from "../../model/is-record.ts";
import type * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";

/** How much of the request a refusal quotes, in characters. */
const maxMessageChars = 500;

export function unfit(body: unknown, schema: z.$ZodType, error: z.$ZodError): RequestError {
  return refusedBody(body, error, `Send a JSON object${fieldsOf(schema)}`);
}

export function refusedBody(body: unknown, error: z.$ZodError, hint: string): RequestError {
  const { place, why } = flawIn(error, body);
  return new RequestError(
    "invalid_request",
    // The names in it come from the caller, and may be as long as the body.
    `Cannot accept ${place === "" ? "the body" : `'${place}'`}: ${why}`.slice(0, maxMessageChars),
    { hint, ...(place !== "" && { param: place }), cause: error },
  );
}

/** Not by `instanceof`: the whole of zod's core would come along. */
function fieldsOf({ _zod: { def } }: z.$ZodType): string {
  const shape = "shape" in def && isRecord(def.shape) ? Object.keys(def.shape) : [];
  return shape.length === 0 ? "" : `. It may have the fields ${shape.join(", ")}`;
}
