/** The platform's limits on a worker's life, with a wall clock of two seconds. */
import assert from "node:assert/strict";
import { isRunning, withEdge } from "./support/edge.ts";
import { eventually } from "../support/eventually.ts";

const wallClockMs = 2000;

Deno.test("a warm worker serves the next request", async () => {
  await withEdge({}, async (edge) => {
    const first = await edge.text("life", "/pid");
    assert.equal(await edge.text("life", "/pid"), first);
    assert.equal(edge.workers().length, 1);
    assert.equal(edge.workers()[0]?.requests, 2);
  });
});

Deno.test("at half of its wall clock a worker takes no new requests and goes on with waitUntil work", async () => {
  await withEdge({ wallClockMs }, async (edge) => {
    const old = await edge.text("life", "/background?ms=1300");
    await eventually("the worker retires", () => edge.workers()[0]?.state === "retiring");
    assert.ok((edge.workers()[0]?.ageMs ?? 0) >= wallClockMs * 0.5);

    const fresh = await edge.text("life", "/pid");
    assert.notEqual(fresh, old);
    await edge.logged(/^background done$/);
    assert.ok(isRunning(Number(fresh)));
  });
});

Deno.test("work handed to waitUntil goes on after the response", async () => {
  await withEdge({}, async (edge) => {
    await edge.text("life", "/background?ms=100");
    assert.ok(!edge.lines.includes("background done"));
    assert.equal(edge.workers()[0]?.pending, 1);
    await edge.logged(/^background done$/);
    await eventually("nothing is pending", () => edge.workers()[0]?.pending === 0);
  });
});

Deno.test("a worker with nothing left to do is dropped early, after half of its wall clock", async () => {
  await withEdge({ wallClockMs }, async (edge) => {
    await edge.text("life", "/background?ms=1200");
    await edge.logged(/^beforeunload early_drop/);
    assert.ok(edge.lines.indexOf("background done") >= 0);
    const [worker] = await eventually("it has ended", async () => {
      const all = await edge.usage();
      return all[0]?.state === "ended" && all;
    });
    assert.equal(worker?.ended, "early_drop");
    assert.ok((worker?.ageMs ?? 0) < wallClockMs);
  });
});

Deno.test("at 90% a busy worker gets beforeunload, at 100% it is killed and its caller gets 546", async () => {
  await withEdge({ wallClockMs }, async (edge) => {
    const response = await edge.get("life", "/hang");
    assert.equal(response.status, 546);
    assert.equal((await response.json()).code, "WORKER_LIMIT");

    const line = await edge.logged(/^beforeunload wall_clock/);
    const seenAt = Number(/after (\d+) ms/.exec(line)?.[1]);
    assert.ok(seenAt >= wallClockMs * 0.9 && seenAt < wallClockMs, line);
    const [worker] = await edge.usage();
    assert.equal(worker?.ended, "wall_clock");
    assert.ok((worker?.ageMs ?? 0) >= wallClockMs);
    assert.ok(!isRunning(worker?.pid ?? 0));
  });
});

Deno.test("waitUntil work does not outlive the wall clock", async () => {
  await withEdge({ wallClockMs }, async (edge) => {
    const pid = Number(await edge.text("life", "/background?ms=60000"));
    await edge.logged(/^shutdown \(reason: wall_clock/);
    assert.ok(!isRunning(pid));
    assert.ok(!edge.lines.includes("background done"));
  });
});

Deno.test("a worker that blocks its thread is killed by the wall clock all the same", async () => {
  await withEdge({ wallClockMs }, async (edge) => {
    const response = await edge.get("life", "/burn?ms=60000");
    assert.equal(response.status, 546);
    await response.body?.cancel();
    const [worker] = await edge.usage();
    // On a busy machine, it gets only a part of a core.
    assert.ok((worker?.cpuMs ?? 0) > wallClockMs / 10, `cpu ${worker?.cpuMs} ms`);
  });
});

Deno.test("a response whose first byte comes too late is a 504, and its worker lives", async () => {
  await withEdge({ firstByteMs: 300 }, async (edge) => {
    const response = await edge.get("life", "/hang");
    assert.equal(response.status, 504);
    assert.equal((await response.json()).code, "IDLE_TIMEOUT");
    assert.equal(edge.workers().length, 1);
  });
});

Deno.test("a worker that exhausts its memory ends, and its caller gets 546", async () => {
  await withEdge({}, async (edge) => {
    const response = await edge.get("life", "/fill-memory");
    assert.equal(response.status, 546);
    await response.body?.cancel();
    assert.equal((await edge.usage())[0]?.ended, "memory");
  });
});
