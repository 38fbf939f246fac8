/** How long OpenAI, or a proxy in front of it, asks us to wait: in a header, in a field, or in words. */

/** The largest number that the database can be given. It has its own, lower limit (response_settings.max_delay_s). */
const longestMs = Number.MAX_SAFE_INTEGER;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const amount = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?`;
const units = "milliseconds?|millis|ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s";
const duration = String
  .raw`(?:(?:${amount})\s*(?:${units})\b[\s,]*(?:and\s+)?)+`;
const inWords = new RegExp(
  String
    .raw`(?:try(?:ing)? again|retry(?:ing)?|come back|wait(?:ing)?|available|resets?)\s*(?:again\s*)?(?:in|after|for|at least)?\s*(?:(?:at least|about|approximately|another|~)\s*)?(${duration})`,
  "i",
);
/** Also matches if a unit follows another without a space: `1m2s`. */
const part = new RegExp(
  String
    .raw`(?<![-\d.,])(${amount})\s*(${units})`,
  "gi",
);
const joined = /(\d)\s*(ms|[dhms])(?=\d)/gi;

/**
 * The wait that OpenAI asks for, in ms; undefined if none. A wait for this request comes before one for a limit.
 * @param field the wait from the error's own field, in ms
 */
export function retryDelay(
  headers: Headers | undefined,
  message: string,
  field: number | null = null,
): number | undefined {
  return clamped(
    numberOf(headers?.get("retry-after-ms")) ?? retryAfter(headers?.get("retry-after")) ??
      field ?? wordsIn(message) ?? limitReset(headers),
  );
}

function clamped(ms: number | undefined): number | undefined {
  return ms === undefined || Number.isNaN(ms)
    ? undefined
    : Math.min(Math.max(Math.ceil(ms), 0), longestMs);
}

function numberOf(text: string | null | undefined): number | undefined {
  if (!text?.trim()) return undefined;
  const value = Number(text);
  return value >= 0 ? value : undefined;
}

/** `Retry-After`: seconds, or a date. Some servers add a unit, and two proxies a value each: then the longer wait counts. */
function retryAfter(text: string | null | undefined): number | undefined {
  if (!text?.trim()) return undefined;
  if (/^[\s\d.,]+$/.test(text) && text.includes(",")) {
    return Math.max(...text.split(",").map((each) => numberOf(each) ?? 0)) * 1000;
  }
  const plain = Number(text);
  if (!Number.isNaN(plain)) return plain >= 0 ? plain * 1000 : undefined;
  const at = Date.parse(text);
  // A date that has passed asks for nothing; read as a duration, its "01 Dec" would be a day.
  if (!Number.isNaN(at)) return at > Date.now() ? at - Date.now() : undefined;
  return /\bago\b/i.test(text) ? undefined : durationOf(text);
}

/** "Please try again in 17.5s", "in 1m2s", "in 350ms", "after 30 seconds". */
function wordsIn(message: string): number | undefined {
  const [, told] = inWords.exec(message.replace(joined, "$1$2 ")) ?? [];
  return told === undefined ? undefined : durationOf(told);
}

/**
 * The reset of the limit that is used up, by `x-ratelimit-remaining-…`. If no header says which, the later of the two. The reset
 * of a limit of which something is left asks for nothing.
 */
function limitReset(headers: Headers | undefined): number | undefined {
  const resets = ["requests", "tokens"].flatMap((what) => {
    const ms = durationOf(headers?.get(`x-ratelimit-reset-${what}`) ?? "");
    const left = numberOf(headers?.get(`x-ratelimit-remaining-${what}`));
    return ms === undefined || (left ?? 0) > 0 ? [] : [{ ms, usedUp: left === 0 }];
  });
  if (resets.length === 0) return undefined;
  const usedUp = resets.filter((reset) => reset.usedUp);
  return Math.max(...(usedUp.length > 0 ? usedUp : resets).map(({ ms }) => ms));
}

/** A duration as Go writes it (`1h2m3.5s`, `350ms`) or as people do. A bare number is seconds. */
function durationOf(text: string): number | undefined {
  const bare = numberOf(text);
  if (bare !== undefined) return bare * 1000;
  let ms: number | undefined;
  for (const [, told = "", unit = ""] of text.matchAll(part)) {
    ms = (ms ?? 0) + Number(told.replaceAll(",", "")) * (unitMs[shortOf(unit)] ?? 0);
  }
  return ms;
}

function shortOf(unit: string): string {
  const lower = unit.toLowerCase();
  return lower.startsWith("ms") || lower.startsWith("milli") ? "ms" : lower.slice(0, 1);
}
