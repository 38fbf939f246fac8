import assert from "node:assert/strict";
import { after } from "../../supabase/functions/_durable_responses/platform/clock.ts";

Deno.test("a clock calls back once, after its time", async () => {
  const began = performance.now();
  await new Promise<void>((resolve) => after(30, resolve));
  assert.ok(performance.now() - began >= 25);
});

Deno.test("a clock that was stopped does not call back", async () => {
  let called = false;
  const stop = after(10, () => called = true);
  stop();
  await new Promise<void>((resolve) => after(40, resolve));
  assert.equal(called, false);
});
