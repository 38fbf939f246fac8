/** A webhook names a response that cannot be read: it may be the one that a job waits for. */
import assert from "node:assert/strict";
import { z } from "zod";
import { callStep } from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const polled = z.object({ webhooks: z.array(z.string()) });

async function polledWebhooks(machine: Machine): Promise<string[]> {
  return polled.parse(await machine.call("claim_background_polls", { p_limit: 20 })).webhooks;
}

async function keep(machine: Machine, responseId: string, isUnknown = false): Promise<unknown> {
  return await machine.call("keep_unread_webhook", {
    p_response_id: responseId,
    p_is_unknown: isUnknown,
  });
}

sqlTest(
  "a response that OpenAI does not know is kept if a job waits, or may come to wait, for one that nobody recorded",
  async (machine) => {
    const unknown = () => keep(machine, "resp_9", true);
    await machine.submitBackground("resp_1");
    assert.equal(await unknown(), false);
    const { id } = await machine.submit({ mode: "background" });
    assert.equal(await unknown(), true);
    await machine.call("adopt_background_response", {
      p_job_id: id,
      p_attempt: 1,
      p_response_id: "resp_2",
    });
    assert.equal(await unknown(), false);
    const work = await machine.submitRunning();
    assert.equal(await unknown(), false);
    await machine.call("save_response_steps", {
      p_job_id: work.id,
      p_attempt: work.attempt,
      p_steps: [callStep("started")],
      p_announced: true,
      p_continuing: true,
    });
    assert.equal(await unknown(), true);
  },
);

sqlTest("one that cannot be read is kept, once, until it has been read", async (machine) => {
  assert.equal(await keep(machine, "resp_1"), true);
  assert.equal(await keep(machine, "resp_1"), true);
  assert.deepEqual(await polledWebhooks(machine), []);
  machine.clock.advance(30_000);
  assert.equal(await machine.call("response_work_due"), true);
  assert.deepEqual(await polledWebhooks(machine), ["resp_1"]);
  assert.equal(await machine.call("response_work_due"), false);
  machine.clock.advance(30_000);
  assert.deepEqual(await polledWebhooks(machine), ["resp_1"]);
  await machine.call("forget_unread_webhook", { p_response_id: "resp_1" });
  machine.clock.advance(3_600_000);
  assert.deepEqual(await polledWebhooks(machine), []);
});

sqlTest("it is asked for ever more rarely, and for a day at most", async (machine) => {
  await keep(machine, "resp_1");
  let times = 0;
  for (let minute = 0; minute < 26 * 60; minute++) {
    machine.clock.advance(60_000);
    times += (await polledWebhooks(machine)).length;
  }
  assert.ok(times > 20 && times < 40, `it was asked for ${times} times`);
  const rows = await machine.db.owner`select from durable_responses.unread_webhooks`;
  assert.equal(rows.length, 0);
});
