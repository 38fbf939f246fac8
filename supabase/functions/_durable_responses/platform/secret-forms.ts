/** The forms in which a secret may come back: as it is, or as tools, addresses, headers and logs encode it. */

/** Shorter values would mask ordinary words. */
export const shortestSecret = 6;

/**
 * How many characters of base64 also contain bits of the text in front, by how many bytes of a group of three that text
 * fills.
 */
const sharedInFront = [0, 2, 3] as const;
/** A scheme that a header puts in front of a credential. */
const scheme = /^(?:Basic|Bearer|Token|ApiKey)\s+(?=\S)/i;

/**
 * All texts to search for: the value in JSON, and in JSON within JSON; in an address, whatever the case of its escapes, also
 * within another; in markup; in base64, also in the middle of something longer, as in Basic; in hex. For a header's value,
 * only the credential, and for Basic the password.
 */
export function formsOf(value: string): string[] {
  const parts = [value, ...insideOf(value)].filter((part) => part.length >= shortestSecret);
  return [...new Set(parts.flatMap(encodingsOf))].filter((form) => form.length >= shortestSecret);
}

/** The part of a credential that is secret by itself. */
function insideOf(value: string): string[] {
  const bare = value.replace(scheme, "");
  const pair = decodedPair(bare);
  return [bare, ...(pair === undefined ? [] : [pair, pair.slice(pair.indexOf(":") + 1)])];
}

/** The `user:password` in a base64 text, if there is one. */
function decodedPair(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[\w+/-]+={0,2}$/.test(text)) return undefined;
  try {
    const decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return /^[\x20-\x7e]*:[\x20-\x7e]+$/.test(decoded) ? decoded : undefined;
  } catch (error) {
    // It only looked like base64.
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

function encodingsOf(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  const json = quoted(value);
  return [
    value,
    json,
    quoted(json),
    quoted(quoted(json)),
    ...inMarkup(value),
    // Some encoders escape more than necessary.
    json.replaceAll("/", "\\/"),
    inAscii(json),
    ...inAddresses(value.toWellFormed()),
    ...inBase64(bytes),
    ...inHex(bytes),
  ];
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function inAscii(json: string): string {
  return json.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function inAddresses(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const inForm = new URLSearchParams([["", value]]).toString().slice(1);
  return [component, strict, inForm].flatMap((text) => [
    text,
    text.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    // An address within an address.
    encodeURIComponent(text),
  ]);
}

/** As in a page or a feed, whose writers differ in the two quotes. */
function inMarkup(value: string): string[] {
  const text = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const quotes = [['"', "'"], ["&quot;", "'"], ["&quot;", "&#39;"], ["&quot;", "&#x27;"], [
    "&#34;",
    "&#39;",
  ], ["&quot;", "&apos;"]];
  return quotes.map(([double = "", single = ""]) =>
    text.replaceAll('"', double).replaceAll("'", single)
  );
}

/** At each of the three offsets at which a value may start in encoded text, without the characters that it shares. */
function inBase64(bytes: Uint8Array): string[] {
  return sharedInFront.flatMap((shared, before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const whole = Array.from(padded, (byte) => String.fromCharCode(byte)).join("");
    const text = btoa(whole).replace(/=+$/, "");
    const own = text.slice(shared, padded.length % 3 === 0 ? undefined : -1);
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

function inHex(bytes: Uint8Array): string[] {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex, hex.toUpperCase()];
}
