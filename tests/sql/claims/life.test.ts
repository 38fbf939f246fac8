import assert from "node:assert/strict";
import { z } from "zod";
import { needEndlessLife } from "../../support/job-state.ts";
import { fenced } from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import { setting } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

const answer = z.object({ jobs: z.array(z.object({ id: z.uuid() })), spare_workers: z.number() });

async function claim(m: Machine, args: Parameters<Machine["call"]>[1] = {}) {
  return answer.parse(
    await m.call("claim_response_work", { p_worker: "worker-1", p_limit: 10, ...args }),
  );
}
const full = 100_000;
const edge = (lifeMs: number) => ({ p_life_ms: lifeMs, p_full_life_ms: full });

sqlTest("a route whose runs usually take longer waits for a worker with the time", async (m) => {
  const { id } = await m.submit({ route: "slow" });
  await m.db.owner`update public.response_routes set typical_ms = 60000`;
  assert.deepEqual((await claim(m, edge(59_999))).jobs, []);
  assert.deepEqual((await claim(m, edge(60_000))).jobs.map((job) => job.id), [id]);
});

sqlTest("runs longer than any life are begun all the same: they go on elsewhere", async (m) => {
  await m.submit({ route: "slow" });
  await m.db.owner`update public.response_routes set typical_ms = ${full + 1}`;
  assert.equal((await claim(m, edge(10_000))).jobs.length, 1);
});

sqlTest("a worker with no wall clock takes anything", async (m) => {
  await m.submit({ route: "slow" });
  await m.db.owner`update public.response_routes set typical_ms = 60000`;
  await needEndlessLife(m.db.owner);
  assert.equal((await claim(m, { p_kind: "process" })).jobs.length, 1);
});

sqlTest("how long runs take is learned from those that finish", async (m) => {
  const work = await m.submitRunning({ route: "r" });
  m.clock.advance(4_000);
  await m.complete(work);
  const [route] = await m.db.owner`select typical_ms from public.response_routes where route = 'r'`;
  assert.equal(route?.["typical_ms"], 4_000);
});

sqlTest("jobs that were delayed are claimed once their time has come, many at once", async (m) => {
  for (let made = 0; made < 150; made++) {
    const work = await m.submitRunning();
    await m.call("retry_response_later", {
      ...fenced(work),
      p_error: { code: "stream_cut", message: "Cannot read" },
      p_retry_after_ms: 10_000,
    });
  }
  assert.equal(await m.call("response_work_due"), false);
  m.clock.advance(300_000 + 10_000);
  assert.equal(await m.call("response_work_due"), true);
  const first = await claim(m, { p_limit: 200 });
  const second = await claim(m, { p_limit: 200 });
  assert.equal(first.jobs.length + second.jobs.length, 150);
});

sqlTest("a claim says how many more workers may be woken", async (m) => {
  await setting(m, "max_workers", 3);
  assert.equal((await claim(m)).spare_workers, 2);
  assert.equal((await claim(m, { p_worker: "worker-2" })).spare_workers, 1);
  assert.equal((await claim(m, { p_worker: "worker-3" })).spare_workers, 0);
  assert.equal((await claim(m, { p_worker: "worker-4" })).spare_workers, 0);
});

sqlTest("a worker that signs off or is not seen for a minute makes room", async (m) => {
  await setting(m, "max_workers", 3);
  await claim(m);
  await claim(m, { p_worker: "worker-2" });
  assert.equal(await m.call("sign_off_response_worker", { p_worker: "worker-2" }), false);
  assert.equal((await claim(m, { p_worker: "worker-3" })).spare_workers, 1);
  m.clock.advance(60_000);
  assert.equal((await claim(m, { p_worker: "worker-3" })).spare_workers, 2);
});

sqlTest("a worker whose lease is lost makes room at once", async (m) => {
  await setting(m, "max_workers", 3);
  await m.submit();
  assert.equal((await claim(m)).jobs.length, 1);
  await claim(m, { p_worker: "worker-2" });
  m.clock.advance(31_000);
  await claim(m, { p_worker: "worker-3" });
  assert.equal((await claim(m, { p_worker: "worker-3" })).spare_workers, 1);
  // It was only slow: it counts again when it claims again.
  await claim(m);
  assert.equal((await claim(m, { p_worker: "worker-3" })).spare_workers, 0);
});

sqlTest("a worker that signs off is told whether work is left", async (m) => {
  await claim(m);
  await m.submit();
  assert.equal(await m.call("sign_off_response_worker", { p_worker: "worker-1" }), true);
});
