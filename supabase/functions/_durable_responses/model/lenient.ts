/**
 * Parsers for what others send, which never fail. Servers that speak the Responses API leave fields out, send null, or a
 * number instead of text. One odd field must not make the rest of an answer unusable.
 */
import { isRecord } from "./is-record.ts";
import * as z from "./zod.ts";

/** A text. null and a missing value become `instead`; anything else becomes its JSON. */
export function text<const T extends string | null>(instead: T) {
  return z.pipe(
    z.optional(z.unknown()),
    z.transform((value): string | T =>
      typeof value === "string"
        ? value
        : value === undefined || value === null
        ? instead
        : JSON.stringify(value) ?? instead
    ),
  );
}

/** An object with any fields; anything else is null. */
export const record = z.pipe(
  z.optional(z.unknown()),
  z.transform((value) => isRecord(value) ? value : null),
);

/** A list; anything else is an empty list. */
export const list = z.pipe(
  z.optional(z.unknown()),
  z.transform((value): unknown[] => Array.isArray(value) ? value : []),
);
