/**
 * continue_response_job_in_place(): whoever reads a response that asked is leased the job in the same call, if a claim's rules
 * allow it.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import type { Arguments } from "../../support/function-call.ts";
import { askStep, callStep, fenced, saveSteps } from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import { jobView, jobWork } from "../../support/machine-shapes.ts";
import { refused } from "../../support/refused.ts";
import { setting } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

const continued = z.object({ job: jobView, work: jobWork.nullable() });

const asked = async (
  m: Machine,
  responseId: string,
  args: Arguments = {},
): Promise<AttemptKey> => ({
  id: (await m.submitBackground(responseId, args)).id,
  attempt: 1,
});

/** Continues for `inline-1`. Default: with a minute of its life left. */
async function go(m: Machine, key: AttemptKey, more: Arguments = {}) {
  return continued.parse(
    await m.call("continue_response_job_in_place", {
      ...fenced(key),
      p_response_id: "resp_1",
      p_steps: [askStep()],
      p_answers: { mcpr_1: { approve: true } },
      p_usage: { total_tokens: 7 },
      p_worker: "inline-1",
      p_life_ms: 60_000,
      ...more,
    }),
  );
}

const statusOf = async (m: Machine, id: string) => (await m.row(id))["status"];
const inQueue = async (m: Machine, key: AttemptKey, more: Arguments = {}) => {
  const { job, work } = await go(m, key, more);
  assert.deepEqual([job.status, work], ["queued", null]);
};

sqlTest("the answers are kept and the job is leased in one call", async (m) => {
  const { id } = await asked(m, "resp_1");
  const { job, work } = await go(m, { id, attempt: 1 });
  assert.deepEqual([job.status, work?.id, work?.attempt], ["running", id, 2]);
  assert.deepEqual(work?.["background"], { attempt: 1, response_id: "resp_1" });
  assert.deepEqual(work?.["usages"], [{ total_tokens: 7 }]);
  assert.deepEqual(await m.claim("worker-1"), []);
  assert.deepEqual((await m.attempts(id)).map(({ outcome }) => outcome), ["continued", null]);
});

sqlTest("the second who reads the same response is refused, and gets no lease", async (m) => {
  const key = await asked(m, "resp_1");
  await go(m, key);
  await refused(go(m, key, { p_worker: "inline-2" }), "DR410");
});

sqlTest("of many who read it at once, one gets the lease", async (m) => {
  const key = await asked(m, "resp_1");
  const all = await Promise.allSettled(
    Array.from({ length: 6 }, (_, n) => go(m, key, { p_worker: `inline-${n}` })),
  );
  const leased = all.filter((one) => one.status === "fulfilled" && one.value.work !== null);
  assert.equal(leased.length, 1);
});

sqlTest(
  "nor does the same worker get it twice: it may read a response in two webhooks",
  async (m) => {
    const key = await asked(m, "resp_1");
    await go(m, key);
    await refused(go(m, key), "DR410");
    const again = await asked(m, "resp_2");
    const both = await Promise.allSettled([go(m, again), go(m, again)]);
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  },
);

sqlTest("its lease runs out like any other; nothing was sent, so it is queued", async (m) => {
  const key = await asked(m, "resp_1");
  await go(m, key, { p_lease_ms: 10_000 });
  m.clock.advance(11_000);
  await m.claim("worker-1");
  m.clock.advance(300_000);
  const [work] = await m.claim("worker-1");
  assert.deepEqual([work?.id, work?.attempt], [key.id, 3]);
  assert.equal(await saveSteps(m, { id: key.id, attempt: 2 }, callStep("started")), false);
});

sqlTest(
  "a route that is not healthy keeps it in the queue: a whole run would follow",
  async (m) => {
    const open = await asked(m, "resp_1", { route: "a" });
    await m.db.owner`update public.response_routes set breaker = 'open', probe_at = ${m.clock.now}
    where route = 'a'`;
    await inQueue(m, open);
    const paused = await asked(m, "resp_2", { route: "b" });
    await m.db.owner`
    update public.response_routes set pause_reason = 'openai_rate_limited',
      paused_until = ${new Date(m.clock.now.getTime() + 60_000)} where route = 'b'`;
    await inQueue(m, paused);
  },
);

sqlTest("limits of a route and of all keep it in the queue", async (m) => {
  const keys = [];
  for (const [n, route] of ["a", "a", "b", "c"].entries()) {
    keys.push(await asked(m, `resp_${n}`, { route }));
  }
  const [first, second, third, fourth] = keys;
  assert.ok(first && second && third && fourth);
  await m.db.owner`update public.response_routes set max_running = 1 where route = 'a'`;
  assert.ok((await go(m, first)).work);
  await inQueue(m, second);
  assert.ok((await go(m, third)).work);
  await setting(m, "max_running", 2);
  await inQueue(m, fourth);
});

sqlTest("limits hold when many continue at once", async (m) => {
  const keys = [];
  for (let n = 0; n < 8; n++) keys.push(await asked(m, `resp_${n}`, { route: `r${n}` }));
  await setting(m, "max_running", 3);
  const all = await Promise.all(keys.map((key, n) => go(m, key, { p_worker: `inline-${n}` })));
  assert.equal(all.filter(({ work }) => work !== null).length, 3);
});

sqlTest("that such runs usually take longer than is left does not matter", async (m) => {
  const key = await asked(m, "resp_1", { route: "a" });
  await m.db.owner`update public.response_routes set typical_ms = 80000 where route = 'a'`;
  assert.ok((await go(m, key)).work);
});

sqlTest("a job that needs a longer life than is left waits for a worker", async (m) => {
  const key = await asked(m, "resp_1");
  await m.db.owner`update durable_responses.waits set min_life_ms = 80000`;
  await inQueue(m, key);
});

sqlTest("one that was cancelled meanwhile is refused", async (m) => {
  const key = await asked(m, "resp_1");
  await m.call("cancel_response_job", { p_job_id: key.id, p_as_service: true });
  await refused(go(m, key), "DR410");
  assert.equal(await statusOf(m, key.id), "cancelled");
});

sqlTest(
  "a call in doubt comes first: it is held for review, and nobody gets a lease",
  async (m) => {
    const key = await asked(m, "resp_1");
    const { job, work } = await go(m, key, { p_steps: [askStep(), callStep("started")] });
    assert.deepEqual([job.status, work], ["needs_review", null]);
  },
);

sqlTest("a job past its deadline gets no lease: the next claim fails it", async (m) => {
  const key = await asked(m, "resp_1", { deadline_ms: 10_000 });
  m.clock.advance(10_000);
  await inQueue(m, key);
  assert.deepEqual(await m.claim("worker-1"), []);
  assert.equal(await statusOf(m, key.id), "failed");
});
