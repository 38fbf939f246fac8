import assert from "node:assert/strict";
import { awaitApproval, fenced } from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import { routeOf, setting, tryBackground } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

/** Claims one job of route "r" and has it rate limited for `ms`. */
async function rateLimited(m: Machine, ms: number) {
  const work = await m.submitRunning({ route: "r", backoff_base_ms: 1, backoff_cap_ms: 1 });
  await m.call("retry_response_later", {
    ...fenced(work),
    p_error: { code: "openai_rate_limited", message: "Cannot answer" },
    p_retry_after_ms: ms,
  });
  return work;
}

sqlTest("a rate limit pauses all jobs of its route, and no others", async (m) => {
  await rateLimited(m, 60_000);
  await m.submit({ route: "r" });
  const other = await m.submit({ route: "other" });
  assert.deepEqual((await m.claim()).map(({ id }) => id), [other.id]);
  m.clock.advance(59_999);
  assert.deepEqual(await m.claim(), []);
});

sqlTest("while a route is paused nothing of it counts as work that is due", async (m) => {
  await rateLimited(m, 60_000);
  await m.submit({ route: "r" });
  assert.equal(await m.call("response_work_due"), false);
  m.clock.advance(60_001);
  assert.equal(await m.call("response_work_due"), true);
});

sqlTest("after a pause one job finds out whether it is over; then all go", async (m) => {
  await rateLimited(m, 60_000);
  for (let made = 0; made < 4; made++) await m.submit({ route: "r" });
  m.clock.advance(60_010);
  const [probe, ...more] = await m.claim();
  assert.ok(probe);
  assert.deepEqual(more, []);
  assert.deepEqual(await m.claim("worker-2"), []);
  await m.complete(probe);
  const { paused_until, pause_reason } = await routeOf(m, "r");
  assert.deepEqual([paused_until, pause_reason], [null, null]);
  assert.equal((await m.claim()).length, 4);
});

sqlTest("a response that asks a person ends a pause that had passed when it began", async (m) => {
  await rateLimited(m, 60_000);
  for (let made = 0; made < 4; made++) await m.submit({ route: "r" });
  m.clock.advance(60_010);
  const [probe] = await m.claim();
  assert.ok(probe);
  m.clock.advance(1_000);
  await awaitApproval(m, probe);
  assert.equal((await routeOf(m, "r")).paused_until, null);
  assert.equal((await m.claim("worker-2")).length, 4);
});

sqlTest(
  "a second rate limit pauses it again, and a shorter one does not shorten a pause",
  async (m) => {
    const first = await m.submit({ route: "r", priority: -1 });
    await rateLimited(m, 60_000);
    m.clock.advance(60_010);
    const [probe] = await m.claim();
    assert.ok(probe && first);
    await m.call("retry_response_later", {
      ...fenced(probe),
      p_error: { code: "openai_rate_limited", message: "Cannot answer" },
      p_retry_after_ms: 5_000,
    });
    assert.deepEqual(await m.claim(), []);
    m.clock.advance(5_010);
    assert.equal((await m.claim()).length, 1);
  },
);

sqlTest("concurrent claims let just one job of a route through after a pause", async (m) => {
  await rateLimited(m, 60_000);
  for (let made = 0; made < 10; made++) await m.submit({ route: "r" });
  m.clock.advance(60_010);
  const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => m.claim(`worker-${n}`)));
  assert.equal(claims.flat().length, 1);
});

for (
  const [when, ends] of [["after the pause", true], ["before it", false]] as const
) {
  sqlTest(
    `a background response accepted ${when} ${ends ? "shows" : "does not show"} that it is over`,
    async (m) => {
      const submit = () => tryBackground(m, "r");
      const before = ends ? undefined : await submit();
      await rateLimited(m, 60_000);
      m.clock.advance(60_010);
      const { id, status } = before ?? await submit();
      assert.equal(status, "background");
      m.clock.advance(1_000);
      await m.complete({ id, attempt: 1 });
      assert.equal((await routeOf(m, "r"))["paused_until"] === null, ends);
    },
  );
}

sqlTest("a used-up quota fails its job and pauses the route by setting", async (m) => {
  await setting(m, "quota_pause_s", 20);
  const work = await m.submitRunning({ route: "r" });
  await m.call("fail_response_job", {
    ...fenced(work),
    p_error: { code: "openai_quota_exceeded", message: "Cannot pay" },
  });
  await m.submit({ route: "r" });
  assert.deepEqual(await m.claim(), []);
  m.clock.advance(20_000);
  assert.equal((await m.claim()).length, 1);
});

sqlTest("a paused route takes new jobs as queued, without asking OpenAI", async (m) => {
  await rateLimited(m, 60_000);
  const job = await tryBackground(m);
  assert.deepEqual([job.status, job.fallback_reason], ["queued", "route_paused"]);
});
