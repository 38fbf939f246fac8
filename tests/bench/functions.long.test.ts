import assert from "node:assert/strict";
import { measureAccept } from "../../bench/accept/bench.ts";
import { measureCold } from "../../bench/cold/bench.ts";
import { measureDrain } from "../../bench/drain/bench.ts";
import { measureFailover } from "../../bench/failover/bench.ts";
import { measureLive } from "../../bench/live/bench.ts";
import { measureRealtime } from "../../bench/realtime/bench.ts";
import { measureTools } from "../../bench/tools/bench.ts";
import { measureWaste } from "../../bench/waste/bench.ts";
import { assertMeasured, quiet } from "./support.ts";

Deno.test("the accept bench gets an answer from respond and from the bare functions", async () => {
  assertMeasured(await measureAccept(quiet, 3));
});

Deno.test("the failover bench sees the synchronous request leave", async () => {
  assertMeasured(await measureFailover(quiet, 2, 0));
});

Deno.test("the drain bench works its backlog off", async () => {
  assertMeasured(
    await measureDrain(quiet, { workers: [1], jobs: 4, waves: 0, slowMs: 0, rounds: 1 }),
  );
});

Deno.test("the cold bench bundles every function and gets its first answer", async () => {
  assertMeasured(await measureCold(quiet, 1));
});

Deno.test("the waste bench finishes its jobs and counts the calls", async () => {
  assertMeasured(await measureWaste(quiet, 12));
});

Deno.test("the tools bench makes its calls by hand, in the worker and in SQL", async () => {
  assertMeasured(await measureTools(quiet, 1));
});

Deno.test("the realtime bench counts announcements of watched jobs, and of others none", async () => {
  const { value, rows } = await measureRealtime(quiet, 1);
  assert.equal(value, 0);
  assert.ok(rows.slice(1).every(({ summary }) => summary.median > 0));
});

Deno.test("the live bench gets whole streams from OpenAI, by hand and in place", async () => {
  const { value, rows, notes } = await measureLive(quiet, {
    rounds: 2,
    runs: 1,
    followed: 1,
    // Enough for several ticks of the CPU's clock.
    cpuDeltas: 2_000,
    streams: 6,
    streamDeltas: 4,
  });
  assert.ok(Number.isFinite(value));
  assert.ok(rows.every(({ summary }) => summary.values.length === 2));
  assert.match(
    notes?.join() ?? "",
    /6 streams at once, 6 of them run in place: .*; 0 streams not whole/,
  );
});
