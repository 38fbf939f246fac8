/** Why a body does not fit its schema: what was expected, what came, and which fields there are. */
import { isRecord } from "../../model/is-record.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";

/** How much of the request a refusal quotes, in characters. */
const maxMessageChars = 500;

export function unfit(body: unknown, schema: z.$ZodType, error: z.$ZodError): RequestError {
  const issue = error.issues[0];
  const where = issue && issue.path.length > 0 ? `'${issue.path.join(".")}'` : "the body";
  const why = issue === undefined ? "it is invalid" : `${issue.message}${sizeSeen(issue, body)}`;
  return new RequestError(
    "invalid_request",
    // The names in it come from the caller, and may be as long as the body.
    `Cannot accept ${where}: ${why}`.slice(0, maxMessageChars),
    { hint: `Send a JSON object${fieldsOf(schema)}`, cause: error },
  );
}

/** zod says which size is allowed, but not which one came. */
function sizeSeen(issue: z.core.$ZodIssue, body: unknown): string {
  if (issue.code !== "too_big" && issue.code !== "too_small") return "";
  if (issue.message.includes(", but ")) return "";
  const value = issue.path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined,
    body,
  );
  if (typeof value === "string" || Array.isArray(value)) return `, but it has ${value.length}`;
  return typeof value === "number" ? `, but it is ${value}` : "";
}

/** Not by `instanceof`: the whole of zod's core would come along. */
function fieldsOf({ _zod: { def } }: z.$ZodType): string {
  const shape = "shape" in def && isRecord(def.shape) ? Object.keys(def.shape) : [];
  return shape.length === 0 ? "" : `. It may have the fields ${shape.join(", ")}`;
}
