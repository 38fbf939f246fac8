/** How much of a worker's life is left, by its measured age. */
import assert from "node:assert/strict";
import { lifeOf } from "../../supabase/functions/_durable_responses/worker/life.ts";

const wallClockMs = 150_000;

Deno.test("a young worker claims, one near its end does not", () => {
  let age = 0;
  const life = lifeOf(wallClockMs, () => age);
  assert.ok(life.mayClaim());
  age = wallClockMs * 0.95;
  assert.ok(!life.mayClaim());
});

Deno.test("claiming ends well before handing over, and that before the platform's own warning", () => {
  let age = 0;
  const life = lifeOf(wallClockMs, () => age);
  while (life.mayClaim()) age += 100;
  assert.ok(life.handOverInMs() >= wallClockMs * 0.1, "what was claimed last has no time to run");
  age += life.handOverInMs();
  assert.ok(age < wallClockMs * 0.9, "the platform warns first");
});

Deno.test("a worker that was warm when it was woken has less time", () => {
  const fresh = lifeOf(wallClockMs, () => 0);
  const warm = lifeOf(wallClockMs, () => 60_000);
  assert.equal(fresh.handOverInMs() - warm.handOverInMs(), 60_000);
});
