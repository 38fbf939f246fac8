/** Which worker of a function gets a request, and when another one is started. */
import assert from "node:assert/strict";
import { chooseWorker } from "../../packages/dev/edge/choose-worker.ts";
import { type TestEdge, withEdge } from "./support/edge.ts";
import { eventually } from "../support/eventually.ts";

const requestsInFlight = (edge: TestEdge) => edge.workers().map(({ inFlight }) => inFlight);

Deno.test("requests at the same time get workers of their own, up to four", async () => {
  await withEdge({}, async (edge) => {
    const hanging = [1, 2, 3, 4, 5, 6].map(() => edge.get("life", "/hang"));
    await eventually(
      "all are with a worker",
      () => requestsInFlight(edge).reduce((sum, count) => sum + count, 0) === 6,
    );
    assert.deepEqual(requestsInFlight(edge), [2, 2, 1, 1]);
    await edge.kill("life");
    for (const response of await Promise.all(hanging)) await response.body?.cancel();
  });
});

Deno.test("a request goes to an idle worker, not to the one that is busy with a request", async () => {
  await withEdge({}, async (edge) => {
    const stream = await edge.get("life", "/stream?ms=60000");
    const second = await edge.text("life", "/pid");
    assert.equal(await edge.text("life", "/pid"), second);
    assert.deepEqual(requestsInFlight(edge), [1, 0]);
    await stream.body?.cancel();
  });
});

Deno.test("pending waitUntil work makes a worker busy until it settles", async () => {
  await withEdge({}, async (edge) => {
    const busy = await edge.text("life", "/background?ms=500");
    await eventually("the work is known", () => edge.workers()[0]?.pending === 1);
    assert.notEqual(await edge.text("life", "/pid"), busy);
    await eventually("nothing is pending", () => edge.workers()[0]?.pending === 0);
    assert.equal(await edge.text("life", "/pid"), busy);
  });
});

Deno.test("with maxWorkers 1 every request shares one worker", async () => {
  await withEdge({ maxWorkers: 1 }, async (edge) => {
    const stream = await edge.get("life", "/stream?ms=60000");
    const pids = await Promise.all([1, 2, 3].map(() => edge.text("life", "/pid")));
    assert.equal(new Set(pids).size, 1);
    assert.equal(edge.workers().length, 1);
    await stream.body?.cancel();
  });
});

Deno.test("busy workers of one function cost another function nothing", async () => {
  await withEdge({ maxWorkers: 1 }, async (edge) => {
    const stream = await edge.get("life", "/stream?ms=60000");
    await edge.text("echo", "/");
    assert.deepEqual(edge.workers().map((worker) => worker.function), ["life", "echo"]);
    await stream.body?.cancel();
  });
});

Deno.test("an idle worker comes before a new one, a new one before sharing, and retired ones do not count", () => {
  const worker = (load: number, accepts = true) => ({ load, accepts });
  const retired = worker(0, false);
  const idle = worker(0);
  const lessBusy = worker(1);
  const busy = worker(3);
  assert.equal(chooseWorker([], 2), undefined);
  assert.equal(chooseWorker([retired], 2), undefined);
  assert.equal(chooseWorker([busy, idle], 2), idle);
  assert.equal(chooseWorker([retired, busy], 2), undefined);
  assert.equal(chooseWorker([retired, busy, lessBusy], 2), lessBusy);
  assert.equal(chooseWorker([lessBusy], 1), lessBusy);
});
