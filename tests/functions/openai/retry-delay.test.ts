/** A wait is found wherever it is given, and never exceeds a number that every layer can represent. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { retryDelay } from "../../../supabase/functions/_durable_responses/openai/retry-delay.ts";

const words: [string, number | undefined][] = [
  ["Rate limit reached. Please try again in 17.5s. Visit …", 17_500],
  ["Please try again in 350ms.", 350],
  ["Please try again in 1m2s.", 62_000],
  ["Please try again in 1h2m3.5s", 3_723_500],
  ["too many tokens; come back after 86400 seconds", 86_400_000],
  ["Please retry after 2 minutes and 3 seconds", 123_000],
  ["try again in 6 hours", 21_600_000],
  ["Your limit resets in 12 days", 12 * 86_400_000],
  ["Limit 10000, Used 9000, Requested 2000. Please try again in 6s.", 6_000],
  ["Please retry in about 20 seconds", 20_000],
  ["Try again in 1,000 ms", 1_000],
  ["Retry after 30", 30_000],
  ["Please retry your request after 60 seconds", 60_000],
  ["Quota will be replenished in 12:30:00.", 45_000_000],
  ["try again in 00:01:30", 90_000],
  ["Please try again in 1 week", 604_800_000],
  ["Limit resets at 2026-11-27 00:00:00 UTC", undefined],
  ["Please try again within 20 seconds", 20_000],
  ["Retry after 3 more requests", undefined],
  ["Try again in -5 s", undefined],
  ["try again later", undefined],
  ["the 30s of this century", undefined],
];
for (const [message, ms] of words) {
  Deno.test(`'${message}' is ${ms} ms`, () => assert.equal(retryDelay(undefined, message), ms));
}

const headers: [string, Record<string, string>, number | undefined][] = [
  ["absurd seconds", { "retry-after": "99999999999999" }, Number.MAX_SAFE_INTEGER],
  ["infinite seconds", { "retry-after": "1e999" }, Number.MAX_SAFE_INTEGER],
  ["a date in the year 9999", { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" }, undefined],
  ["the reset of what is used up", {
    "x-ratelimit-remaining-requests": "99",
    "x-ratelimit-reset-requests": "6m0s",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "1.2s",
  }, 1_200],
  ["the later reset where none says what is left", {
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-reset-tokens": "6m0s",
  }, 360_000],
  ["the reset beside a limit of which something is left", {
    "x-ratelimit-remaining-requests": "99",
    "x-ratelimit-reset-requests": "6m0s",
    "x-ratelimit-reset-tokens": "1s",
  }, 1_000],
  ["the reset of a project's tokens", {
    "x-ratelimit-remaining-project-tokens": "0",
    "x-ratelimit-reset-project-tokens": "20s",
  }, 20_000],
  ["the reset of images", { "x-ratelimit-reset-images": "7s" }, 7_000],
  ["seconds with a unit", { "retry-after": "5s" }, 5_000],
  ["two proxies' values", { "retry-after": "30, 20" }, 30_000],
  ["a comment", { "retry-after": "30; busy" }, 30_000],
  ["quotes", { "retry-after": '"30"' }, 30_000],
];
for (const [name, given, ms] of headers) {
  Deno.test(`a header with ${name}`, () => {
    const told = retryDelay(new Headers(given), "");
    if (ms === undefined) assert.ok(Number.isSafeInteger(told) && (told ?? 0) > 0);
    else assert.equal(told, ms);
  });
}

const soon = new Date(Date.now() + 60_000);
const moments: [string, Record<string, string>][] = [
  ["a date", { "retry-after": soon.toUTCString() }],
  ["two proxies' dates", { "retry-after": `${soon.toUTCString()}, ${soon.toUTCString()}` }],
  ["a date and seconds", { "retry-after": `${soon.toUTCString()}, 5` }],
  ["seconds since 1970", { "retry-after": String(Math.floor(soon.getTime() / 1000)) }],
  ["milliseconds since 1970", { "retry-after": String(soon.getTime()) }],
  ["the same as a reset", { "x-ratelimit-reset-requests": String(soon.getTime() / 1000) }],
  ["an ISO date as a reset", { "x-ratelimit-reset-tokens": soon.toISOString() }],
];
for (const [name, given] of moments) {
  Deno.test(`a header with ${name} is the time until then`, () => {
    const told = retryDelay(new Headers(given), "") ?? -1;
    assert.ok(told > 0 && told <= 60_000, String(told));
  });
}

for (const odd of ["-1", "-1s", "1 day ago", "soon", ",", "Wed, 21 Oct 2015 07:28:00 GMT"]) {
  Deno.test(`a header of '${odd}' asks for no wait`, () => {
    const told = retryDelay(new Headers({ "retry-after": odd }), "");
    assert.ok(told === undefined || told === 0, `${told}`);
  });
}

Deno.test("the reset of a limit of which something is left asks for no wait", () => {
  const left = { "x-ratelimit-remaining-requests": "99", "x-ratelimit-reset-requests": "6m0s" };
  assert.equal(retryDelay(new Headers(left), ""), undefined);
});

Deno.test("whatever a header says, a wait is a safe whole number, or none", () => {
  const value = fc.oneof(
    fc.string().filter((text) => /^[\x20-\x7e]*$/.test(text)),
    fc.double().map(String),
    fc.bigInt().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  const name = fc.constantFrom(
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-remaining-tokens",
  );
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.string(), (given, message) => {
      const told = retryDelay(new Headers(given), message);
      assert.ok(told === undefined || Number.isSafeInteger(told) && told >= 0, String(told));
    }),
  );
});
