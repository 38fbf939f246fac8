import { formsOf, shortestSecret } from "./secret-forms.ts";
import { TextFinder } from "./text-finder.ts";

/** Replaces a secret. */
export const mask = "***";

/**
 * Patterns of credentials, whoever owns them. Repeats that a search may start at every character are bounded: a tool's error
 * of a megabyte must not take minutes. A JWT's header is ASCII, whose base64 has a dash only for `>` and `~`, and a JWT
 * starts after a dash at most. A reference `{{NAME}}` is not a credential: it occurs in hints.
 */
const patterns =
  /\b(?:sk-[\w-]{8,}|sb_secret_[\w-]+|whsec_[\w+/=]+|eyJ\w{1,300}\.[\w-]+\.[\w-]+)|(?<=\bBearer\s{1,8})(?!\{\{[A-Z][A-Z0-9_]*\}\}(?:["'\s]|$))[^\s"']+/gi;

/** Values that must be masked in all their forms. */
class Secrets {
  readonly #values = new Set<string>();
  #finder: TextFinder | undefined;

  add(value: string): void {
    if (value.length < shortestSecret || this.#values.has(value)) return;
    this.#values.add(value);
    this.#finder = undefined;
  }

  /** Built on first use: a cold start reads all keys, and may have nothing to mask. */
  get finder(): TextFinder {
    return this.#finder ??= new TextFinder([...new Set([...this.#values].flatMap(formsOf))]);
  }
}

const known = new Secrets();
/** The values in `known` that can only be credentials: a text that contains one has it from us. */
const credentials = new Secrets();

/** Remembers a value that must never be shown. Called for each secret when it is read. */
export function rememberSecret(value: string): void {
  known.add(value);
}

/**
 * Remembers a key or token. It is also masked in text from tools and models, where a secret that is a name or an address may
 * be legitimate.
 */
export function rememberCredential(value: string): void {
  known.add(value);
  credentials.add(value);
}

/** The text with every known secret, and everything that looks like one, replaced by `***`. */
export function redact(text: string): string {
  return known.finder.replace(text, mask).replace(patterns, mask);
}

/** The text with only our own credentials replaced by `***`, for results that are stored. */
export function maskCredentials(text: string): string {
  return credentials.finder.replace(text, mask);
}

/**
 * The same for text that comes in pieces: `shown` is masked. `rest`, which may be the beginning of one of our credentials,
 * must be put before the next piece.
 */
export function maskBeginning(text: string): { shown: string; rest: string } {
  let shown = "";
  for (let from = 0;;) {
    const begun = credentials.finder.beginningAt(text, from);
    const found = credentials.finder.find(text, from);
    // The leftmost counts. A complete one may also be the beginning of a longer one.
    if (found === undefined || begun <= found.at) {
      return { shown: shown + text.slice(from, begun), rest: text.slice(begun) };
    }
    shown += `${text.slice(from, found.at)}${mask}`;
    from = found.at + found.length;
  }
}

/** True if something in the text has the form of a credential. */
export function looksLikeCredential(text: string): boolean {
  return text.search(patterns) !== -1;
}
