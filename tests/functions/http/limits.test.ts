/** How long a caller may wait. The platform requires the first byte within 150 s of the request. */
import assert from "node:assert/strict";
import { waitLeftMs } from "../../../supabase/functions/_durable_responses/api/http/limits.ts";

const ago = (ms: number) => performance.now() - ms;

Deno.test("a request that came at once waits as long as it wants", () => {
  assert.equal(waitLeftMs(120_000, ago(1_000)), 120_000);
  assert.equal(waitLeftMs(5_000, ago(100_000)), 5_000);
});

Deno.test("one whose body took long waits for what is left, or not at all", () => {
  const left = waitLeftMs(120_000, ago(100_000));
  assert.ok(left > 30_000 && left <= 40_000, `${left}`);
  assert.equal(waitLeftMs(120_000, ago(150_000)), 0);
});
