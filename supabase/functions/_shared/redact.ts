/** Things that look like a credential whoever's they are. */
const PATTERNS =
  /\b(?:sk-[\w-]{8,}|sb_secret_[\w-]+|whsec_[\w+/=]+|eyJ[\w-]+\.[\w-]+\.[\w-]+)|(?<=\bBearer\s+)[^\s"']+/gi;
/** Shorter values would mask ordinary words. */
const SHORTEST_SECRET = 6;

const known = new Set<string>();

/** Remembers a value that must never be shown; called for each secret when it is read. */
export function rememberSecret(value: string): void {
  if (value.length >= SHORTEST_SECRET) known.add(value);
}

/** The text with every known secret, and everything that looks like one, replaced by `***`. */
export function redact(text: string): string {
  let masked = text;
  for (const secret of known) masked = masked.replaceAll(secret, "***");
  return masked.replace(PATTERNS, "***");
}
