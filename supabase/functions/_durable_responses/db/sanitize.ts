/**
 * What a model, a tool or a caller said, as Postgres can hold it. Neither text nor jsonb takes U+0000 or half of a surrogate
 * pair, deep nesting ends in a stack overflow somewhere between here and the table, and one such answer must not cost a run its
 * result. Every value that goes to the database passes through `sanitize`.
 */
import { maskCredentials } from "../platform/redact.ts";

/** Deepest nesting that is stored, levels. Callers may send 100 (api/http/body.ts), and our own rows add a few around it. */
export const maxDepth = 128;
/** Longest single text that is stored, UTF-16 code units. */
export const maxTextChars = 8_000_000;

/** Stands where something was nested too deep. */
export const nestingMark = "[cut: nested too deep to be stored]";

/** What had to be changed: single characters, the nesting, the length of a text. */
export type Change = "characters" | "nesting" | "size";

export interface Sanitized<T> {
  /** The same value, and the same object, where nothing had to be changed. */
  value: T;
  /** In no order; empty when nothing had to be changed. */
  changed: readonly Change[];
  /** All texts in the value together, keys too, UTF-16 code units: for whoever sets a limit to the whole. */
  chars: number;
}

/**
 * A value of JSON as it can be stored. U+0000 and halves of surrogate pairs become U+FFFD, in keys too; what lies deeper than
 * `maxDepth` becomes `nestingMark`; a text longer than `maxTextChars` is cut, and says so at its end. Never throws, however deep
 * the value is. The type stays, although a part that lay too deep is a text now: nothing of ours looks so deep.
 */
export function sanitize<T>(value: T): Sanitized<T>;
export function sanitize(value: unknown): Sanitized<unknown> {
  const changed = new Set<Change>();
  let chars = 0;
  const text = (given: string): string => {
    chars += given.length;
    let kept = given;
    if (kept.length > maxTextChars) {
      changed.add("size");
      // Well-formed again where the cut has split a pair.
      kept = `${given.slice(0, maxTextChars).toWellFormed()}… [cut: ${given.length} characters]`;
    }
    if (kept.isWellFormed() && !kept.includes("\0")) return kept;
    changed.add("characters");
    return kept.toWellFormed().replaceAll("\0", "\uFFFD");
  };
  // The depth is bounded, and so is the stack.
  const copy = (part: unknown, depth: number): unknown => {
    if (typeof part === "string") return text(part);
    if (typeof part !== "object" || part === null) return part;
    if (depth === maxDepth) {
      changed.add("nesting");
      return nestingMark;
    }
    return mapped(part, (entry) => copy(entry, depth + 1), text);
  };
  return { value: copy(value, 0), changed: [...changed], chars };
}

/**
 * A tool's error may repeat the credential that it was sent: wherever one of ours appears in what a run returned, it
 * becomes `***`. Not for what callers send, where a word that is a credential somewhere may rightly stand.
 * @param value as deep as it likes: what lies deeper than `maxDepth` is left for `sanitize` to cut
 */
export function masked<T>(value: T): T;
export function masked(value: unknown): unknown {
  const copy = (part: unknown, depth: number): unknown => {
    if (typeof part === "string") return maskCredentials(part);
    if (typeof part !== "object" || part === null || depth > maxDepth) return part;
    return mapped(part, (entry) => copy(entry, depth + 1), maskCredentials);
  };
  return copy(value, 0);
}

/** The list or object with its parts mapped; itself where that changes nothing. */
function mapped(
  part: object,
  mapEntry: (entry: unknown) => unknown,
  mapKey: (key: string) => string,
): unknown {
  if (Array.isArray(part)) {
    const entries: unknown[] = part;
    const copies = entries.map(mapEntry);
    return copies.every((entry, index) => Object.is(entry, entries[index])) ? part : copies;
  }
  const before: [string, unknown][] = Object.entries(part);
  const after = before.map(([key, entry]): [string, unknown] => [mapKey(key), mapEntry(entry)]);
  return after.every(([key, entry], index) =>
      key === before[index]?.[0] && Object.is(entry, before[index]?.[1])
    )
    ? part
    : Object.fromEntries(after);
}
