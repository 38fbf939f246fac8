/**
 * Parsers for what others send, which never fail. Servers that speak the Responses API leave fields out, send null, or a
 * number instead of text. One odd field must not make the rest of an answer unusable.
 */
import { isRecord } from "./is-record.ts";
import * as z from "./zod.ts";

/** A text. null and a missing value are `instead`; anything else is its JSON. */
export function textOf<const T extends string | null>(value: unknown, instead: T): string | T {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return instead;
  return JSON.stringify(value) ?? instead;
}

/** An object with any fields; anything else is null. */
export function recordOf(value: unknown): Record<string, unknown> | null {
  return isRecord(value) ? value : null;
}

/** A list; anything else is an empty list. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A field that is read by textOf. */
export function text<const T extends string | null>(instead: T) {
  return z.pipe(z.optional(z.unknown()), z.transform((value) => textOf(value, instead)));
}

/** A field that is read by recordOf. */
export const record = z.lazy(() => z.pipe(z.optional(z.unknown()), z.transform(recordOf)));

/** A field that is read by listOf. */
export const list = z.lazy(() => z.pipe(z.optional(z.unknown()), z.transform(listOf)));
