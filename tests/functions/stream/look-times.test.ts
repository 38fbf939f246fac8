/** How far a reader lags behind another isolate's writes, and how often it looks, with the test's own clock. */
import assert from "node:assert/strict";
import { LookTimes } from "../../../supabase/functions/_durable_responses/api/openai/look-times.ts";

/** Follows batches that are written at these times, from 0 on. */
function followed(written: number[]) {
  const times = new LookTimes(0);
  const lags: number[] = [];
  let looks = 0;
  for (let now = 0, seen = 0; seen < written.length;) {
    looks++;
    const fresh = written.filter((at, index) => index >= seen && at <= now);
    seen += fresh.length;
    lags.push(...fresh.map((at) => now - at));
    now += fresh.length > 0 ? times.found(now) : times.missed(true, now);
  }
  return { lags, looks };
}
const every = (ms: number, count = 200) => Array.from({ length: count }, (_, index) => index * ms);
const most = (values: number[]) => Math.max(...values);

for (const ms of [250, 263, 300, 480]) {
  Deno.test(`of batches every ${ms} ms each is found within 100 ms, by fewer than 2.5 looks`, () => {
    const { lags, looks } = followed(every(ms));
    const mean = lags.reduce((sum, lag) => sum + lag, 0) / lags.length;
    assert.ok(most(lags.slice(2)) <= 100 && mean <= 45, String(lags));
    assert.ok(looks / lags.length < 2.5, `${looks} looks for ${lags.length}`);
  });
}

Deno.test("however irregular text is, none is found later than 250 ms after it was written", () => {
  // From its own generator, so that each run is the same.
  let dice = 7;
  const gaps = Array.from({ length: 500 }, () => {
    dice = dice * 48271 % 2147483647;
    return 250 + dice % 1_500;
  });
  const written = gaps.map((_, index) => gaps.slice(0, index).reduce((sum, gap) => sum + gap, 0));
  assert.ok(most(followed(written).lags) <= 250);
});

Deno.test("what says nothing is looked at every second while it runs, and every two while it waits", () => {
  for (const [runs, slowest] of [[true, 1_000], [false, 2_000]] as const) {
    const times = new LookTimes(0);
    const pauses = Array.from({ length: 20 }, () => times.missed(runs, 60_000));
    assert.deepEqual([pauses[0], pauses.at(-1)], [40, slowest]);
  }
});
