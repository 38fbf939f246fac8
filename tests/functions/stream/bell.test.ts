/** What wakes a reader of a stream, and how often. */
import assert from "node:assert/strict";
import { Bell } from "../../../supabase/functions/_durable_responses/api/openai/bell.ts";
import {
  closeFeed,
  feedOf,
  openFeed,
} from "../../../supabase/functions/_durable_responses/run/stream/feed.ts";

const event = (number: number) => ({ number, type: "x", json: "{}" });

Deno.test("what rang before the wait is not missed", async () => {
  const bell = new Bell();
  bell.ring();
  await bell.wait(60_000, 0);
});

Deno.test("who waits is woken by an event, by the end, and after a while", async () => {
  const bell = new Bell();
  const feed = openFeed("job");
  bell.hear(feed);
  for (const ring of [() => feed.push(event(5)), () => feed.end()]) {
    const woken = bell.wait(60_000, 0);
    ring();
    await woken;
  }
  await bell.wait(1, 0);
  bell.leave();
});

Deno.test("what comes within the gap comes together", async () => {
  const bell = new Bell();
  bell.ring();
  await bell.wait(60_000, 50);
  bell.ring();
  const began = performance.now();
  await bell.wait(60_000, 50);
  assert.ok(performance.now() - began >= 40);
});

Deno.test("one feed after the other is heard", async () => {
  const bell = new Bell();
  const [first, second] = [openFeed("a"), openFeed("b")];
  bell.hear(first);
  bell.hear(second);
  first.push(event(1));
  let woken = false;
  const waiting = bell.wait(60_000, 0).then(() => woken = true);
  await Promise.resolve();
  assert.equal(woken, false);
  second.push(event(1));
  await waiting;
  bell.leave();
});

Deno.test("a feed gives what follows on what a reader has, or says that it has not", () => {
  const feed = openFeed("job");
  assert.equal(feed.from(2), undefined);
  feed.begin(2);
  assert.deepEqual(feed.from(2), []);
  assert.equal(feed.from(1), undefined);
  for (let number = 2; number < 5; number++) feed.push(event(number));
  assert.deepEqual(feed.from(3)?.map(({ number }) => number), [3, 4]);
  assert.deepEqual(feed.from(5), []);
  for (let number = 5; number < 10_010; number++) feed.push(event(number));
  // The oldest events are not kept. A reader that is so slow reads the database.
  assert.equal(feed.from(3), undefined);
  assert.deepEqual(feed.from(10_008)?.map(({ number }) => number), [10_008, 10_009]);
});

Deno.test("an attempt's feed takes the place of the one before, which cannot close it", () => {
  const first = openFeed("job");
  const second = openFeed("job");
  assert.ok(first.ended && !second.ended);
  closeFeed("job", first);
  assert.equal(feedOf("job"), second);
  closeFeed("job", second);
  assert.equal(feedOf("job"), undefined);
});
