/** What a response that asks before a call shows about its route: that OpenAI answers, not that background works. */
import assert from "node:assert/strict";
import { askStep, callStep, fenced, saveSteps, view } from "../../support/ledger.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { failBackground, oneFailure, routeOf, tryBackground } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

const probeMs = 300_000;
const yes = { mcpr_1: { approve: true } };
let responses = 0;

/** Lets the response of a background job ask before a call, which needs no person. */
async function ask(m: Machine, id: string): Promise<void> {
  const job = await view(m, "continue_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_response_id: `resp_${++responses}`,
    p_steps: [askStep()],
    p_answers: yes,
  });
  assert.equal(job.status, "queued");
}

/** Has a worker claim a job that asked. @returns whether it may send the yes in background */
async function mayContinue(m: Machine, id: string): Promise<boolean> {
  const [work] = await m.claim();
  assert.deepEqual([work?.id, work?.attempt], [id, 2]);
  return work?.["background"] !== null;
}

/** Sends the yes in background. The response to it is attempt 3. */
async function sendYes(m: Machine, id: string): Promise<void> {
  await saveSteps(m, { id, attempt: 2 }, callStep("started"));
  await m.call("continue_in_background", {
    ...fenced({ id, attempt: 2 }),
    p_response_id: `resp_${++responses}`,
  });
}

async function failAfterYes(m: Machine, id: string): Promise<void> {
  await m.call("fall_back_response_job", {
    ...fenced({ id, attempt: 3 }),
    p_error: someError,
    p_steps: [callStep("void")],
  });
  const [work] = await m.claim();
  await m.complete({ id, attempt: work?.attempt ?? 0 });
}

async function askedOn(m: Machine, route = "r"): Promise<string> {
  const { id } = await tryBackground(m, route);
  await ask(m, id);
  return id;
}

async function open(m: Machine): Promise<void> {
  for (let failed = 0; failed < 3; failed++) await oneFailure(m);
  assert.equal((await routeOf(m, "r"))["breaker"], "open");
  for (const { id, attempt } of await m.claim()) await m.complete({ id, attempt });
}

async function probe(m: Machine): Promise<string> {
  m.clock.advance(probeMs);
  const { id, status } = await tryBackground(m);
  assert.equal(status, "background");
  return id;
}

sqlTest("failures after the yes add up, although each job asked before it failed", async (m) => {
  for (const expected of [1, 2, 3]) {
    const id = await askedOn(m);
    assert.equal(await mayContinue(m, id), true);
    await sendYes(m, id);
    await failAfterYes(m, id);
    assert.equal((await routeOf(m, "r"))["background_failures"], expected);
  }
  assert.equal((await routeOf(m, "r"))["breaker"], "open");
  assert.equal((await tryBackground(m)).fallback_reason, "background_skipped");
});

sqlTest("a job that asked and completes in background starts the count anew", async (m) => {
  await oneFailure(m);
  for (const { id, attempt } of await m.claim()) await m.complete({ id, attempt });
  const id = await askedOn(m);
  assert.equal((await routeOf(m, "r"))["background_failures"], 1);
  assert.equal(await mayContinue(m, id), true);
  await sendYes(m, id);
  await m.complete({ id, attempt: 3 });
  assert.equal((await routeOf(m, "r"))["background_failures"], 0);
});

sqlTest("a question of a job that was under way does not close the breaker", async (m) => {
  const { id } = await tryBackground(m);
  await open(m);
  await ask(m, id);
  assert.equal((await routeOf(m, "r"))["breaker"], "open");
  assert.equal(await mayContinue(m, id), false);
});

sqlTest(
  "a probe that asks continues in background, and closes the breaker when it completes",
  async (m) => {
    await open(m);
    const id = await probe(m);
    await ask(m, id);
    assert.equal((await routeOf(m, "r"))["breaker"], "half_open");
    assert.equal(await mayContinue(m, id), true);
    await sendYes(m, id);
    assert.equal((await tryBackground(m)).fallback_reason, "background_skipped");
    await m.complete({ id, attempt: 3 });
    assert.equal((await routeOf(m, "r"))["breaker"], "closed");
    assert.equal((await tryBackground(m)).status, "background");
  },
);

sqlTest("a probe that fails after its yes opens the breaker", async (m) => {
  await open(m);
  const id = await probe(m);
  await ask(m, id);
  assert.equal(await mayContinue(m, id), true);
  await sendYes(m, id);
  await failAfterYes(m, id);
  assert.equal((await routeOf(m, "r"))["breaker"], "open");
});

sqlTest(
  "while a probe runs, an older job that asked does not continue in background",
  async (m) => {
    const { id } = await tryBackground(m);
    await open(m);
    await probe(m);
    await ask(m, id);
    assert.equal(await mayContinue(m, id), false);
  },
);

sqlTest(
  "a probe that asked, after another one failed, does not continue in background",
  async (m) => {
    await open(m);
    const id = await probe(m);
    await failBackground(m, { id: await probe(m) });
    for (const { id, attempt } of await m.claim()) await m.complete({ id, attempt });
    await ask(m, id);
    assert.equal(await mayContinue(m, id), false);
  },
);

sqlTest(
  "a question of a response that was accepted after a pause shows that the pause is over",
  async (m) => {
    const { id } = await m.submitRunning({ route: "r" });
    await m.call("fail_response_job", {
      ...fenced({ id, attempt: 1 }),
      p_error: { code: "openai_quota_exceeded", message: "Cannot pay" },
    });
    const { paused_until: until } = await routeOf(m, "r");
    assert.notEqual(until, null);
    m.clock.advance(until.getTime() - m.clock.now.getTime() + 1);
    const { id: next } = await tryBackground(m);
    m.clock.advance(1000);
    await ask(m, next);
    assert.equal((await routeOf(m, "r"))["paused_until"], null);
  },
);
