/** A value of a profile in a finding. */

/** In short form. A text that is long enough to be a key is not shown. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return value.length > 20 ? "a longer text" : `'${value}'`;
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null
    ? Array.isArray(value) ? "a list" : "an object"
    : String(value);
}
