/** Things that look like a credential whoever's they are. */
const PATTERNS =
  /\b(?:sk-[\w-]{8,}|sb_secret_[\w-]+|whsec_[\w+/=]+|eyJ[\w-]+\.[\w-]+\.[\w-]+)|(?<=\bBearer\s+)[^\s"']+/gi;
/** Shorter values would mask ordinary words. */
const SHORTEST_SECRET = 6;

/** Longest first: a secret that begins with another one would otherwise keep its tail. */
let known: string[] = [];

/** Remembers a value that must never be shown; called for each secret when it is read. */
export function rememberSecret(value: string): void {
  if (value.length < SHORTEST_SECRET || known.includes(value)) return;
  // A key with quotes or line breaks looks different inside JSON, and log lines are JSON.
  const inJson = JSON.stringify(value).slice(1, -1);
  known = [...new Set([...known, value, inJson])].sort((a, b) => b.length - a.length);
}

/** The text with every known secret, and everything that looks like one, replaced by `***`. */
export function redact(text: string): string {
  let masked = text;
  for (const secret of known) masked = masked.replaceAll(secret, "***");
  return masked.replace(PATTERNS, "***");
}
