/**
 * Rules for environment variables. Plain code, because the first request of every function waits for it: the same rules as zod
 * schemas took as long as the check of a webhook's signature (docs/benchmarks.md, cold).
 */
import { jsonOf } from "../model/json-of.ts";

/** Says what a value must be, if it is not; undefined for a correct value. No rule shows the value, which may be a secret. */
export type Rule = (value: string) => string | undefined;

/** Which numbers are correct. */
export interface Range {
  above?: number;
  from?: number;
  to?: number;
  whole?: boolean;
}

/** Reads variables and remembers which of them are missing or wrong, so that all are named at once. */
export class Variables {
  /** `NAME (must …)` for each. */
  readonly wrong: string[] = [];

  constructor(private readonly given: Readonly<Record<string, string>>) {}

  /** Empty if it is missing: then nothing may be made of the variables. */
  required(name: string, ...rules: Rule[]): string {
    const value = this.given[name];
    if (value === undefined) this.#refuse(name, "is missing");
    return this.optional(name, ...rules) ?? "";
  }

  optional(name: string, ...rules: Rule[]): string | undefined {
    const value = this.given[name];
    if (value === undefined) return undefined;
    for (const rule of rules) this.#refuse(name, rule(value));
    return value;
  }

  number(name: string, instead: number, range: Range): number {
    const value = Number(this.given[name] ?? instead);
    if (isWithin(value, range)) return value;
    const { above, from, to, whole = false } = range;
    const limits = above === undefined ? `from ${from} to ${to}` : `above ${above}`;
    this.#refuse(name, `must be a ${whole ? "whole " : ""}number ${limits}`);
    return instead;
  }

  /** @param read undefined if the JSON is not what `what` says */
  json<T>(name: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
    const text = this.given[name];
    if (text === undefined) return undefined;
    const value = read(jsonOf(text));
    if (value === undefined) this.#refuse(name, `must be ${what}`);
    return value;
  }

  #refuse(name: string, why: string | undefined): void {
    if (why !== undefined) this.wrong.push(`${name} (${why})`);
  }
}

function isWithin(
  value: number,
  { above = -Infinity, from = -Infinity, to = Number.MAX_VALUE, whole = false }: Range,
): boolean {
  return value > above && value >= from && value <= to && (!whole || Number.isInteger(value));
}

export function atLeast(characters: number): Rule {
  return (value) =>
    value.length < characters
      ? `must have at least ${characters} characters, but has ${value.length}`
      : undefined;
}

export function matching(form: RegExp, otherwise: string): Rule {
  return (value) => form.test(value) ? undefined : otherwise;
}

/** An address that `fetch` can call. It refuses the others with each call, and nothing was ever sent. */
export const isAddress: Rule = (value) =>
  /^\s*https?:/i.test(value) && URL.canParse(value)
    ? undefined
    : "must be an address that begins with https:// or http://";

/** `fetch` refuses an address with a user or a password. */
export const hasNoUser: Rule = (value) => {
  const url = URL.parse(value);
  return url === null || url.username === "" && url.password === ""
    ? undefined
    : "must have no user and no password";
};

/** A valid header value: `fetch` refuses any other, and names neither the variable nor a fix. */
export const isHeaderValue = matching(
  /^[\x20-\x7e\xa0-\xff]*$/,
  "must have no line break and only characters of Latin-1",
);
