/**
 * Things that look like a credential whoever's they are. The repeats that a search may begin anew at every
 * character are bounded: a tool's complaint of a megabyte must not take minutes.
 */
const patterns =
  /\b(?:sk-[\w-]{8,}|sb_secret_[\w-]+|whsec_[\w+/=]+|eyJ[\w-]{1,300}\.[\w-]+\.[\w-]+)|(?<=\bBearer\s{1,8})[^\s"']+/gi;
/** Shorter values would mask ordinary words. */
const shortestSecret = 6;

/** Longest first: a secret that begins with another one would otherwise keep its tail. */
let known: string[] = [];
/** Those of `known` that are nothing but credentials, so that a text that has one has it from us. */
let credentials: string[] = [];

/** Remembers a value that must never be shown; called for each secret when it is read. */
export function rememberSecret(value: string): void {
  known = withForms(known, value);
}

/**
 * Remembers a key or token. Masked also in what tools and models say, where a secret that is a name or an
 * address may rightly stand.
 */
export function rememberCredential(value: string): void {
  rememberSecret(value);
  credentials = withForms(credentials, value);
}

/** A value looks different in JSON (log lines are), and in an address. */
function withForms(list: string[], value: string): string[] {
  if (value.length < shortestSecret || list.includes(value)) return list;
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
  ];
  return [...new Set([...list, ...forms])].sort((a, b) => b.length - a.length);
}

/** The text with every known secret, and everything that looks like one, replaced by `***`. */
export function redact(text: string): string {
  return without(known, text).replace(patterns, "***");
}

/** The text with our own credentials replaced by `***`, and nothing else: for what is stored as a result. */
export function maskCredentials(text: string): string {
  return without(credentials, text);
}

/**
 * The same for a text that comes in pieces: `shown` is masked, and `rest`, where one of our credentials may just have
 * begun, goes before the next piece.
 */
export function maskBeginning(text: string): { shown: string; rest: string } {
  let shown = "";
  for (let from = 0;;) {
    const begun = beginningOfCredential(text, from);
    const found = firstCredential(text, from);
    // The leftmost counts. One that is complete may also be the beginning of a longer one.
    if (found === undefined || begun <= found.at) {
      return { shown: shown + text.slice(from, begun), rest: text.slice(begun) };
    }
    shown += `${text.slice(from, found.at)}***`;
    from = found.at + found.length;
  }
}

/** Where the text's end is one of our credentials but for its own end; the text's length when it is not. */
function beginningOfCredential(text: string, from: number): number {
  const longest = credentials[0]?.length ?? 0;
  for (let at = Math.max(from, text.length - longest + 1); at < text.length; at++) {
    const end = text.slice(at);
    if (credentials.some((one) => one.length > end.length && one.startsWith(end))) return at;
  }
  return text.length;
}

/** The first of our credentials in the text, and the longest of those that begin there. */
function firstCredential(text: string, from: number): { at: number; length: number } | undefined {
  let first: { at: number; length: number } | undefined;
  for (const credential of credentials) {
    const at = text.indexOf(credential, from);
    if (at >= 0 && (first === undefined || at < first.at)) {
      first = { at, length: credential.length };
    }
  }
  return first;
}

/** True for a text with something in it that is a credential by its form. */
export function looksLikeCredential(text: string): boolean {
  return text.search(patterns) !== -1;
}

function without(secrets: string[], text: string): string {
  let masked = text;
  for (const secret of secrets) masked = masked.replaceAll(secret, "***");
  return masked;
}
