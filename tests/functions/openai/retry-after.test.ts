/** How long OpenAI asks us to wait, in each possible form. */
import assert from "node:assert/strict";
import { classifyError } from "../../../supabase/functions/_durable_responses/openai/classify.ts";
import { thrownFor } from "./sdk-errors.ts";

async function waitFor(headers: Record<string, string>): Promise<number | undefined> {
  return classifyError(await thrownFor({ status: 429, headers })).retryAfterMs;
}

const forms: [string, Record<string, string>, number | undefined][] = [
  ["seconds", { "retry-after": "2" }, 2000],
  ["fractions of a second", { "retry-after": "0.5" }, 500],
  ["more than the SDK's own cap of 60 s", { "retry-after": "3600" }, 3_600_000],
  ["milliseconds", { "retry-after-ms": "1500" }, 1500],
  ["milliseconds beside seconds: the finer one", {
    "retry-after-ms": "1500",
    "retry-after": "2",
  }, 1500],
  ["milliseconds that are no number beside seconds", {
    "retry-after-ms": "soon",
    "retry-after": "2",
  }, 2000],
  ["nothing", {}, undefined],
  ["words", { "retry-after": "soon" }, undefined],
  ["a negative number", { "retry-after": "-5" }, undefined],
  ["a date that has passed", { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }, undefined],
  ["a day of December that has passed", {
    "retry-after": "Tue, 01 Dec 2015 07:28:00 GMT",
  }, undefined],
  ["a day of March that has passed, as others write it", {
    "retry-after": "Sunday, 01-Mar-15 07:28:00 GMT",
  }, undefined],
  ["a minute ago, by a clock that is ahead of theirs", {
    "retry-after": new Date(Date.now() - 60_000).toUTCString(),
  }, undefined],
];

for (const [name, headers, expected] of forms) {
  Deno.test(`Retry-After as ${name} is ${expected} ms`, async () => {
    assert.equal(await waitFor(headers), expected);
  });
}

Deno.test("Retry-After as a date is the time until then", async () => {
  const wait = await waitFor({ "retry-after": new Date(Date.now() + 60_000).toUTCString() });
  assert.ok(wait !== undefined && wait > 55_000 && wait <= 60_000, String(wait));
});
