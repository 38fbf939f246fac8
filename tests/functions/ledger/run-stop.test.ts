/** When a stopped run is cut: at once, or after a call in progress has ended. */
import assert from "node:assert/strict";
import { RunStop } from "../../../supabase/functions/_durable_responses/run/run-stop.ts";
import { makeFailure } from "../../../supabase/functions/_durable_responses/platform/make-failure.ts";
import { eventually } from "../../support/eventually.ts";

const longMs = 60_000;
const review = {
  kind: "review",
  failure: makeFailure("repeated_call", "It was repeated"),
} as const;

Deno.test("with no call under way, a stopped run is cut at once", () => {
  const stop = new RunStop(() => longMs);
  stop.hold("begun")();
  stop.stop({ kind: "hand_over" });
  assert.ok(stop.signal.aborted && stop.cut.aborted);
});

for (const kind of ["hand_over", "expired", "lost"] as const) {
  Deno.test(`${kind}: a call that has begun is waited for`, () => {
    const stop = new RunStop(() => longMs);
    const first = stop.hold("begun");
    const second = stop.hold("begun");
    stop.stop({ kind });
    assert.ok(stop.signal.aborted);
    first();
    assert.ok(!stop.cut.aborted);
    second();
    assert.ok(stop.cut.aborted);
    stop.end();
  });
}

Deno.test("a call that OpenAI may make is waited for, but not where the job may be cancelled", () => {
  for (const [kind, waits] of [["hand_over", true], ["expired", true], ["lost", false]] as const) {
    const stop = new RunStop(() => longMs);
    stop.hold("announced");
    stop.stop({ kind });
    assert.equal(stop.cut.aborted, !waits, kind);
    stop.end();
  }
});

Deno.test("a run that a person must look at is cut at once, also after another stop", () => {
  const stop = new RunStop(() => longMs);
  stop.hold("begun");
  stop.stop({ kind: "hand_over" });
  assert.ok(!stop.cut.aborted);
  stop.stop(review);
  assert.ok(stop.cut.aborted);
  assert.equal(stop.reason?.kind, "review");
  stop.end();
});

Deno.test("a hand-over waits no longer than it may", async () => {
  const stop = new RunStop(() => 1);
  stop.hold("begun");
  stop.stop({ kind: "hand_over" });
  await eventually("the cut", () => stop.cut.aborted);
  stop.end();
});
