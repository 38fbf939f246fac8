/**
 * Text from models, tools and callers, in a form that Postgres can store. Neither text nor jsonb accepts U+0000 or half of a
 * surrogate pair, and deep nesting overflows a stack somewhere on the way to the table. One such answer must not cost a run
 * its result, so every value that goes to the database passes through `sanitize`.
 */
import { mask, maskCredentials } from "../platform/redact.ts";

/**
 * Deepest nesting that is stored, in levels. Callers may send 100 (api/http/body.ts), and our own rows add a few around it.
 */
export const maxDepth = 128;
/** Longest single text that is stored, in UTF-16 code units. */
export const maxTextChars = 8_000_000;

/** Replaces what was nested too deep. */
export const nestingMark = "[cut: nested too deep to be stored]";

/** What had to be changed: single characters, the nesting, or the length of a text. */
export type Change = "characters" | "nesting" | "size";

export interface Sanitized<T> {
  /** The same value, and the same object, if nothing had to be changed. */
  value: T;
  /** In no particular order; empty if nothing had to be changed. */
  changed: readonly Change[];
  /** The length of all texts in the value together, keys included, in UTF-16 code units, for limits on the whole. */
  chars: number;
}

/**
 * A JSON value in a form that can be stored. U+0000 and halves of surrogate pairs become U+FFFD, in keys too. Anything below
 * `maxDepth` becomes `nestingMark`. A text longer than `maxTextChars` is cut, and says so at its end. Never throws, however
 * deep the value is. The type stays the same, although a part that was too deep is a text now: none of our code looks that
 * deep.
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
      // Well-formed again, in case the cut has split a pair.
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
 * A tool's error may repeat the credential that it was sent: every credential of ours in what a run returned becomes `***`.
 * Not for what callers send, where a word that is a credential somewhere may be legitimate.
 * @param value of any depth: `sanitize` cuts what is below `maxDepth`
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

/** Whether a stored text may differ from what was given: something in it looks like one of the replacements made here. */
export function isAltered(stored: string): boolean {
  return ["\uFFFD", "[cut: ", mask].some((mark) => stored.includes(mark));
}

/** The list or object with its parts mapped; the same object if that changes nothing. */
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
