import { maskCredentials } from "../platform/redact.ts";

/**
 * What a model or a tool said, as Postgres can hold it: neither text nor jsonb takes U+0000 or half of a
 * surrogate pair, and one such character must not cost a run its result. Each becomes U+FFFD.
 * A tool's complaint may repeat the credential that it was sent; that becomes `***`.
 */
export function storable<T>(value: T): T;
export function storable(value: unknown): unknown {
  if (typeof value === "string") {
    return maskCredentials(value.toWellFormed().replaceAll("\0", "\uFFFD"));
  }
  if (Array.isArray(value)) return value.map((entry: unknown) => storable(entry));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [storable(key), storable(entry)]),
  );
}
