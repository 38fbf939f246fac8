/** How long OpenAI, or a proxy in front of it, asks us to wait: in a header, in a field, or in words. */

/** The largest number that the database can be given. It has its own, lower limit (response_settings.max_delay_s). */
const longestMs = Number.MAX_SAFE_INTEGER;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const amount = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?`;
const units =
  "weeks?|w|milliseconds?|millis|ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s";
const duration = String
  .raw`(?:(?:${amount})\s*(?:${units})\b[\s,]*(?:and\s+)?)+`;
const inWords = new RegExp(
  String
    .raw`(?:try(?:ing)? again|retry(?:ing)?(?: your request)?|come back|wait(?:ing)?|available|resets?|replenished)\s*(?:again\s*)?(?:in|within|after|for|at least)?\s*(?:(?:at least|about|approximately|another|~)\s*)?(${duration})`,
  "i",
);
/** A bare number at the end is seconds. */
const secondsAtEnd =
  /(?:try(?:ing)? again|retry(?:ing)?)\s+(?:in|within|after)\s+(\d+(?:\.\d+)?)\s*[.!]?\s*$/i;
const resetHeader = "x-ratelimit-reset";
const httpDate = /[a-z]{3}, \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT/gi;
const isoDate = /^\d{4}-\d{2}-\d{2}T/;
/** Also matches if a unit follows another without a space: `1m2s`. */
const part = new RegExp(
  String
    .raw`(?<![-\d.,])(${amount})\s*(${units})`,
  "gi",
);
/** `00:01:30`. */
const clock = /\b(\d{1,3}):([0-5]\d):([0-5]\d)\b/g;
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
function retryAfter(header: string | null | undefined): number | undefined {
  // A comment may follow, and quotes may be around it.
  const text = header?.split(";")[0]?.replaceAll('"', "").trim();
  if (!text) return undefined;
  const dates = text.match(httpDate) ?? [];
  const others = text.replace(httpDate, "");
  if (dates.length > 0 || /^[\s\d.,]+$/.test(text) && text.includes(",")) {
    const waits = [...dates.map(untilDate), ...others.split(",").map(secondsIn)];
    const told = waits.filter((ms) => ms !== undefined);
    return told.length === 0 ? undefined : Math.max(...told);
  }
  const plain = Number(text);
  if (!Number.isNaN(plain)) return secondsIn(text);
  // A date that has passed asks for nothing; read as a duration, its "01 Dec" would be a day.
  if (!Number.isNaN(Date.parse(text))) return untilDate(text);
  return /\bago\b/i.test(text) ? undefined : durationOf(text);
}

function untilDate(text: string): number | undefined {
  const ms = Date.parse(text) - Date.now();
  return ms > 0 ? ms : undefined;
}

/** Seconds, as ms. Some servers send the moment instead, in seconds or milliseconds since 1970. */
function secondsIn(text: string): number | undefined {
  const value = numberOf(text);
  if (value === undefined) return undefined;
  const moment = value >= 1e9 && value < 1e10 ? value * 1000 : value;
  if (moment < 1e12 || moment >= 1e13) return value * 1000;
  return moment > Date.now() ? moment - Date.now() : undefined;
}

/** "Please try again in 17.5s", "in 1m2s", "in 350ms", "after 30 seconds". */
function wordsIn(message: string): number | undefined {
  const spaced = message.replace(clock, "$1h $2m $3s").replace(joined, "$1$2 ");
  const [, told] = inWords.exec(spaced) ?? [];
  if (told !== undefined) return durationOf(told);
  const [, seconds] = secondsAtEnd.exec(message) ?? [];
  return seconds === undefined ? undefined : secondsIn(seconds);
}

/**
 * The reset of the limit that is used up, by `x-ratelimit-remaining-…`: of requests, tokens, a project's tokens, images. If no
 * header says which, the latest. The reset of a limit of which something is left asks for nothing.
 */
function limitReset(headers: Headers | undefined): number | undefined {
  const resets = [...headers ?? []].flatMap(([name, told]) => {
    if (!name.startsWith(resetHeader)) return [];
    const ms = isoDate.test(told) ? untilDate(told) : durationOf(told);
    const left = numberOf(headers?.get(name.replace("reset", "remaining")));
    return ms === undefined || (left ?? 0) > 0 ? [] : [{ ms, usedUp: left === 0 }];
  });
  if (resets.length === 0) return undefined;
  const usedUp = resets.filter((reset) => reset.usedUp);
  return Math.max(...(usedUp.length > 0 ? usedUp : resets).map(({ ms }) => ms));
}

/** A duration as Go writes it (`1h2m3.5s`, `350ms`) or as people do. A bare number is seconds. */
function durationOf(text: string): number | undefined {
  if (numberOf(text) !== undefined) return secondsIn(text);
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
