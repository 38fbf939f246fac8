/** start_response_job(): which jobs are accepted and leased in one call, and which ones a claim's rules leave in the queue. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { Arguments } from "../../support/function-call.ts";
import { type Machine, submission } from "../../support/machine.ts";
import { setting } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

const started = z.object({
  created: z.boolean(),
  job: z.looseObject({ id: z.uuid(), status: z.string() }),
  work: z.looseObject({ id: z.uuid(), attempt: z.number(), streamed: z.boolean() }).nullable(),
});

/** Starts a job for `inline-1`. Default: with a minute of its life left. */
async function start(m: Machine, fields: Arguments = {}, more: Arguments = {}) {
  return started.parse(
    await m.call("start_response_job", {
      ...submission(fields),
      p_worker: "inline-1",
      p_life_ms: 60_000,
      p_full_life_ms: 100_000,
      ...more,
    }),
  );
}

const statusOf = async (m: Machine, id: string) => (await m.row(id))["status"];

sqlTest("a job is accepted and leased in one call, and runs as any", async (m) => {
  const { created, job, work } = await start(m);
  assert.ok(created && work);
  assert.deepEqual([job.status, work.id, work.attempt], ["running", job.id, 1]);
  assert.deepEqual(await m.claim("worker-1"), []);
  assert.equal((await m.complete(work)).status, "completed");
  const [attempt] = await m.attempts(job.id);
  assert.deepEqual([attempt?.["mode"], attempt?.["worker"]], ["synchronous", "inline-1"]);
});

sqlTest("when its lease runs out another worker has it", async (m) => {
  const { job } = await start(m, {}, { p_lease_ms: 10_000 });
  m.clock.advance(11_000);
  await m.claim("worker-1");
  m.clock.advance(300_000);
  const [again] = await m.claim("worker-1");
  assert.deepEqual([again?.id, again?.attempt], [job.id, 2]);
});

sqlTest("a runner in place counts as no worker", async (m) => {
  const spare = async () =>
    z.object({ spare_workers: z.number() }).parse(
      await m.call("claim_response_work", { p_worker: "worker-1", p_limit: 0 }),
    ).spare_workers;
  const before = await spare();
  await start(m);
  assert.equal(await spare(), before);
});

sqlTest(
  "a paused route keeps it in the queue; when the pause is over, one finds out",
  async (m) => {
    await start(m, { route: "a" });
    await m.db.owner`
    update public.response_routes set pause_reason = 'openai_rate_limited',
      paused_until = ${new Date(m.clock.now.getTime() + 60_000)} where route = 'a'`;
    const waiting = await start(m, { route: "a" });
    assert.deepEqual([waiting.job.status, waiting.work], ["queued", null]);
    m.clock.advance(61_000);
    // With only one place, a waiting job is not overtaken.
    assert.equal((await start(m, { route: "a" })).work, null);
  },
);

sqlTest("limits of a route and of all keep it in the queue", async (m) => {
  const first = await start(m, { route: "a" });
  assert.ok(first.work);
  await m.db.owner`update public.response_routes set max_running = 1 where route = 'a'`;
  assert.equal((await start(m, { route: "a" })).work, null);
  assert.ok((await start(m, { route: "b" })).work);
  await setting(m, "max_running", 2);
  assert.equal((await start(m, { route: "c" })).work, null);
  await m.complete(first.work);
  assert.ok((await start(m, { route: "d" })).work);
});

sqlTest("limits hold when many start at once", async (m) => {
  await setting(m, "max_running", 3);
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, n) => start(m, { route: `r${n}` }, { p_worker: `inline-${n}` })),
  );
  assert.equal(all.filter(({ work }) => work !== null).length, 3);
});

sqlTest(
  "a run that usually takes longer than is left waits for a worker with the time",
  async (m) => {
    await start(m, { route: "a" });
    await m.db.owner`update public.response_routes set typical_ms = 80000 where route = 'a'`;
    assert.equal((await start(m, { route: "a" })).work, null);
    assert.ok((await start(m, { route: "a" }, { p_life_ms: 90_000 })).work);
    // No worker has that much time, so it does not matter which one tries.
    await m.db.owner`update public.response_routes set typical_ms = 800000 where route = 'a'`;
    assert.ok((await start(m, { route: "a" })).work);
  },
);

sqlTest("a job for background is not leased", async (m) => {
  const { job, work } = await start(m, { mode: "background" });
  assert.deepEqual([job.status, work], ["background", null]);
});

sqlTest("a repeat by key is given the first job, and no lease", async (m) => {
  const key = { idempotency_key: "k", request_hash: "h" };
  const first = await start(m, key);
  const second = await start(m, key, { p_worker: "inline-2" });
  assert.deepEqual([second.created, second.job.id, second.work], [false, first.job.id, null]);
  const same = await start(m, key);
  assert.deepEqual([same.job.id, same.work], [first.job.id, null]);
});

sqlTest("the same submit again, whose answer was lost, is given its lease again", async (m) => {
  const id = "01980000-0000-7000-8000-000000000001";
  await start(m, { id });
  const again = await start(m, { id });
  assert.deepEqual([again.created, again.work?.id], [false, id]);
  assert.equal((await start(m, { id }, { p_worker: "inline-2" })).work, null);
});

sqlTest("what is refused is not leased", async (m) => {
  await assert.rejects(start(m, { profile: null }), { code: "DR400" });
  assert.equal((await m.db.owner`select from public.response_jobs`).length, 0);
});

sqlTest("a stream comes with the job, and goes soon after its end", async (m) => {
  const { job, work } = await start(m, { stream: true });
  assert.equal(work?.streamed, true);
  assert.equal((await start(m)).work?.streamed, false);
  const streams = async () =>
    (await m.db.owner`select from durable_responses.streams where job_id = ${job.id}`).length;
  const sweep = () =>
    m.db.asRole("postgres", async (sql) => {
      await m.clock.pin(sql);
      await sql`select public.run_response_deletions()`;
    });
  m.clock.advance(3_600_000);
  await sweep();
  assert.deepEqual([await streams(), await statusOf(m, job.id)], [1, "running"]);
  assert.ok(work);
  await m.complete({ id: job.id, attempt: work.attempt });
  m.clock.advance(5 * 60_000);
  await sweep();
  assert.equal(await streams(), 1);
  m.clock.advance(6 * 60_000);
  await sweep();
  assert.equal(await streams(), 0);
});
