import { formsOf, shortestSecret } from "./secret-forms.ts";
import { TextFinder } from "./text-finder.ts";

/** Stands where a secret stood. */
const mask = "***";

/**
 * Things that look like a credential whoever's they are. The repeats that a search may begin anew at every
 * character are bounded: a tool's complaint of a megabyte must not take minutes. The header of a JWT is ASCII, whose base64
 * has a dash only for `>` and `~`, and a JWT begins behind a dash at most. A reference `{{NAME}}` is none: it stands in hints.
 */
const patterns =
  /\b(?:sk-[\w-]{8,}|sb_secret_[\w-]+|whsec_[\w+/=]+|eyJ\w{1,300}\.[\w-]+\.[\w-]+)|(?<=\bBearer\s{1,8})(?!\{\{[A-Z][A-Z0-9_]*\}\}(?:["'\s]|$))[^\s"']+/gi;

/** Values to be masked in all their forms. */
class Secrets {
  readonly #values = new Set<string>();
  #finder: TextFinder | undefined;

  add(value: string): void {
    if (value.length < shortestSecret || this.#values.has(value)) return;
    this.#values.add(value);
    this.#finder = undefined;
  }

  /** Made by who needs it first: a cold start reads all keys, and may have nothing to mask. */
  get finder(): TextFinder {
    return this.#finder ??= new TextFinder([...new Set([...this.#values].flatMap(formsOf))]);
  }
}

const known = new Secrets();
/** Those of `known` that are nothing but credentials, so that a text that has one has it from us. */
const credentials = new Secrets();

/** Remembers a value that must never be shown; called for each secret when it is read. */
export function rememberSecret(value: string): void {
  known.add(value);
}

/**
 * Remembers a key or token. Masked also in what tools and models say, where a secret that is a name or an
 * address may rightly stand.
 */
export function rememberCredential(value: string): void {
  known.add(value);
  credentials.add(value);
}

/** The text with every known secret, and everything that looks like one, replaced by `***`. */
export function redact(text: string): string {
  return known.finder.replace(text, mask).replace(patterns, mask);
}

/** The text with our own credentials replaced by `***`, and nothing else: for what is stored as a result. */
export function maskCredentials(text: string): string {
  return credentials.finder.replace(text, mask);
}

/**
 * The same for a text that comes in pieces: `shown` is masked, and `rest`, where one of our credentials may just have
 * begun, goes before the next piece.
 */
export function maskBeginning(text: string): { shown: string; rest: string } {
  let shown = "";
  for (let from = 0;;) {
    const begun = credentials.finder.beginningAt(text, from);
    const found = credentials.finder.find(text, from);
    // The leftmost counts. One that is complete may also be the beginning of a longer one.
    if (found === undefined || begun <= found.at) {
      return { shown: shown + text.slice(from, begun), rest: text.slice(begun) };
    }
    shown += `${text.slice(from, found.at)}${mask}`;
    from = found.at + found.length;
  }
}

/** True for a text with something in it that is a credential by its form. */
export function looksLikeCredential(text: string): boolean {
  return text.search(patterns) !== -1;
}
