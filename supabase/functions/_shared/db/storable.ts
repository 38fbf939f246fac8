/**
 * What a model or a tool said, as Postgres can hold it: neither text nor jsonb takes U+0000 or half of a
 * surrogate pair, and one such character must not cost a run its result. Each becomes U+FFFD.
 */
export function storable<T>(value: T): T;
export function storable(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed().replaceAll("\0", "\uFFFD");
  if (Array.isArray(value)) return value.map((entry: unknown) => storable(entry));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [storable(key), storable(entry)]),
  );
}
