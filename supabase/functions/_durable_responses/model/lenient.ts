/**
 * Reads of what others send, that never fail: servers that speak the Responses API leave fields out, send null, or a number where a
 * text belongs. One odd field must not keep the rest of an answer from being used.
 */
import * as z from "./zod.ts";

/** A text; null and what is missing are `instead`, anything else is its JSON. */
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

/** A list; anything else is an empty one. */
export const list = z.pipe(
  z.optional(z.unknown()),
  z.transform((value): unknown[] => Array.isArray(value) ? value : []),
);

/** True for an object that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
