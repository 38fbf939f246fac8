import assert from "node:assert/strict";
import { z } from "zod";
import { callFunction } from "../../support/function-call.ts";
import { jobWork } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { openTransaction } from "../../support/open-transaction.ts";
import { sqlTest } from "../../support/sql-test.ts";

const polled = z.object({ work: z.array(jobWork), webhooks: z.array(z.string()) });
const args = { p_limit: 10 };

async function poll(machine: Machine, limit = 10) {
  const claimed = await machine.call("claim_background_polls", { ...args, p_limit: limit });
  return polled.parse(claimed).work;
}

sqlTest(
  "a background job is polled when its interval is over, and then one interval later",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    assert.deepEqual(await poll(machine), []);
    machine.clock.advance(30_000);
    assert.deepEqual((await poll(machine)).map((work) => work.id), [id]);
    assert.deepEqual(await poll(machine), []);
    machine.clock.advance(30_000);
    assert.equal((await poll(machine)).length, 1);
  },
);

sqlTest(
  "a job that OpenAI never answered comes up when its accept budget is used up",
  async (machine) => {
    await machine.submit({ mode: "background", accept_ms: 20_000 });
    machine.clock.advance(19_999);
    assert.deepEqual(await poll(machine), []);
    machine.clock.advance(1);
    const [work] = await poll(machine);
    assert.equal(work?.response_id, null);
  },
);

sqlTest(
  "a polled job says how much of its background budget and deadline is left",
  async (machine) => {
    await machine.submitBackground("resp_1", { background_ms: 600_000, deadline_ms: 900_000 });
    machine.clock.advance(30_000);
    const [work] = await poll(machine);
    assert.equal(work?.background_left_ms, 570_000);
    assert.equal(work?.deadline_left_ms, 870_000);
    machine.clock.advance(600_000);
    const [stuck] = await poll(machine);
    assert.equal(stuck?.background_left_ms, -30_000);
  },
);

sqlTest("the longest overdue comes first, at most p_limit", async (machine) => {
  const first = await machine.submitBackground("resp_1");
  machine.clock.advance(1000);
  const second = await machine.submitBackground("resp_2");
  machine.clock.advance(60_000);
  assert.deepEqual((await poll(machine, 1)).map(({ id }) => id), [first.id]);
  assert.deepEqual((await poll(machine, 1)).map(({ id }) => id), [second.id]);
});

sqlTest("two pollers at once never get the same job, and neither waits", async (machine) => {
  for (const response of ["resp_1", "resp_2"]) await machine.submitBackground(response);
  machine.clock.advance(60_000);
  const held = await openTransaction(machine);
  try {
    const name = "public.claim_background_polls";
    const { work: one } = polled.parse(
      await callFunction(held.sql, name, { ...args, p_limit: 1 }),
    );
    const two = await poll(machine);
    assert.equal(one.length, 1);
    assert.equal(two.length, 1);
    assert.notEqual(one[0]?.id, two[0]?.id);
    await held.commit();
    assert.deepEqual(await poll(machine), []);
  } finally {
    await held.rollback();
  }
});

sqlTest("only background jobs are polled", async (machine) => {
  await machine.jobIn("completed");
  await machine.submit();
  machine.clock.advance(3_600_000);
  assert.deepEqual(await poll(machine), []);
});
