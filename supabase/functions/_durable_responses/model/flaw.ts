/** What is wrong with a value that does not fit its schema: where, in the form of OpenAI's `param`, and why. */
import type * as z from "./zod.ts";

type Issue = z.core.$ZodIssue;

export interface Flaw {
  /** Such as `input[0].content[1].image_url`; empty for the value itself. */
  place: string;
  /** The rule, and the value seen. */
  why: string;
}

/** Longest name that is repeated, in characters: names in a request come from its sender too. */
const nameChars = 64;

/** A place in a request, as OpenAI writes it. */
export function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((place, key) => {
    if (typeof key === "number") return `${place}[${key}]`;
    return `${place}${place === "" ? "" : "."}${String(key).slice(0, nameChars)}`;
  }, "");
}

/** @param hides whether the values must not be repeated, because one could be a credential */
export function flawIn(
  { issues: [first] }: z.core.$ZodError,
  value: unknown,
  { hides = false } = {},
): Flaw {
  if (!first) return { place: "", why: "it is invalid" };
  const issue = deepest(first);
  const there = issue.path.reduce<unknown>(
    (at, key) => typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined,
    value,
  );
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    return { place: placeOf([...issue.path, key]), why: "there is no such field" };
  }
  return { place: placeOf(issue.path), why: reason(issue, there, hides) };
}

/** Of the kinds of value that would fit, the one that fits best: its issue lies deepest. */
function deepest(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const branches = issue.errors.flatMap(([first]) => first ? [deepest(first)] : []);
  const best = branches.toSorted((a, b) => b.path.length - a.path.length)[0];
  if (!best || best.path.length === 0 && branches.length > 1) return issue;
  return { ...best, path: [...issue.path, ...best.path] };
}

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

function reason(issue: Issue, value: unknown, hides: boolean): string {
  const but = value === undefined ? "is missing" : `is ${seen(value, hides)}`;
  switch (issue.code) {
    case "invalid_type":
      return `it must be ${kinds[issue.expected] ?? issue.expected}, but ${but}`;
    case "invalid_value":
      return `it must be ${
        issue.values.map((each) => JSON.stringify(each)).join(" or ")
      }, but ${but}`;
    case "invalid_union": {
      const wanted = issue.errors.flatMap(([first]) =>
        first?.code === "invalid_type" ? [kinds[first.expected] ?? first.expected] : []
      );
      return wanted.length > 0
        ? `it must be ${wanted.join(" or ")}, but ${but}`
        : `it is invalid: it ${but}`;
    }
    case "invalid_key":
      return issue.issues[0]
        ? `its name does not fit: ${reason(issue.issues[0], issue.path.at(-1), hides)}`
        : "its name does not fit";
    case "too_big":
      return isOurs(issue) ? issue.message : bound(issue, `at most ${issue.maximum}`, value, hides);
    case "too_small":
      return isOurs(issue)
        ? issue.message
        : bound(issue, `at least ${issue.minimum}`, value, hides);
    default:
      return issue.message;
  }
}

/** Messages of a schema of ours say it all. */
function isOurs({ message }: Issue): boolean {
  return !/^(?:Invalid|Too)\b/.test(message);
}

/** A value out of bounds. A number may have come as a text, as in an address. */
function bound(
  { origin }: { origin: string },
  limit: string,
  value: unknown,
  hides: boolean,
): string {
  const isSized = typeof value === "string" || Array.isArray(value);
  if (!isSized || (origin !== "string" && origin !== "array")) {
    return `it must be ${limit}, but is ${seen(value, hides)}`;
  }
  const unit = origin === "string" ? "characters" : "entries";
  return `it must have ${limit} ${unit}, but has ${value.length}`;
}

/** Longest text that is repeated, in characters. */
const shownChars = 60;

/** A value in a message. */
export function seen(value: unknown, hides = false): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (value === null || value === undefined) return String(value);
  if (hides) return typeof value === "boolean" ? "true or false" : `a ${typeof value}`;
  return typeof value === "string" && value.length > shownChars
    ? `${JSON.stringify(value.slice(0, shownChars))}…`
    : JSON.stringify(value);
}
