import assert from "node:assert/strict";
import { z } from "zod";
import { callFunction } from "../../support/function-call.ts";
import { flagsOf } from "../../support/job-state.ts";
import { upstream } from "../../support/machine-shapes.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { openTransaction } from "../../support/open-transaction.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function pending(machine: Machine, limit = 20) {
  const answer = await machine.call("claim_pending_cancels", { p_limit: limit });
  return z.array(upstream).parse(answer);
}

sqlTest("a response stays on the list until its cancellation is confirmed", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  assert.deepEqual(await pending(machine), []);
  await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  const listed = [{ job_id: id, attempt: 1, response_id: "resp_1" }];
  assert.equal(await machine.call("response_work_due"), true);
  assert.deepEqual(await pending(machine), listed);
  assert.equal(await machine.call("response_work_due"), false);
  machine.clock.advance(5_000);
  assert.deepEqual(await pending(machine), listed);
  await machine.call("confirm_upstream_cancel", { p_job_id: id, p_attempt: 1 });
  machine.clock.advance(3_600_000);
  assert.deepEqual(await pending(machine), []);
  assert.equal(await machine.call("response_work_due"), false);
});

sqlTest("failing a background job with p_cancel_upstream lists its response", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.call("fail_response_job", {
    p_job_id: id,
    p_attempt: 1,
    p_error: someError,
    p_cancel_upstream: true,
  });
  assert.deepEqual((await pending(machine)).map(({ response_id }) => response_id), ["resp_1"]);
});

sqlTest("a synchronous run has nothing to cancel at OpenAI", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  await machine.call("fail_response_job", {
    p_job_id: id,
    p_attempt: attempt,
    p_error: someError,
    p_cancel_upstream: true,
  });
  assert.deepEqual(await pending(machine), []);
});

/** Background jobs cancelled one after the other, a second apart. */
async function cancelInTurn(machine: Machine, ...responses: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const response of responses) {
    const { id } = await machine.submitBackground(response);
    await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
    ids.push(id);
    machine.clock.advance(1_000);
  }
  return ids;
}

sqlTest("at most p_limit are listed", async (machine) => {
  await cancelInTurn(machine, "resp_1", "resp_2", "resp_3");
  assert.equal((await pending(machine, 2)).length, 2);
});

sqlTest("the longest-waiting come first: what OpenAI refuses starves nothing", async (machine) => {
  await cancelInTurn(machine, "resp_1", "resp_2", "resp_3");
  const seen: string[] = [];
  for (let call = 0; call < 6; call++) {
    for (const { response_id } of await pending(machine, 1)) seen.push(response_id);
    machine.clock.advance(2_000);
  }
  assert.deepEqual(seen, ["resp_1", "resp_2", "resp_3", "resp_1", "resp_2", "resp_3"]);
});

sqlTest("they are given out in the order in which they have waited", async (machine) => {
  const responses = Array.from({ length: 8 }, (_, n) => `resp_${7 - n}`);
  await cancelInTurn(machine, ...responses);
  assert.deepEqual((await pending(machine)).map(({ response_id }) => response_id), responses);
});

sqlTest(
  "each further try waits twice as long as the one before, an hour at most",
  async (machine) => {
    await cancelInTurn(machine, "resp_1");
    for (const seconds of [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]) {
      assert.equal((await pending(machine)).length, 1);
      machine.clock.advance(seconds * 1000 - 1);
      assert.deepEqual(await pending(machine), [], `within ${seconds} s`);
      machine.clock.advance(1);
    }
  },
);

sqlTest(
  "after 20 tries a cancel is a flag for a person, and is asked for no more",
  async (machine) => {
    const [refusedId = ""] = await cancelInTurn(machine, "resp_1");
    for (let time = 0; time < 20; time++) {
      assert.equal((await pending(machine)).length, 1);
      await machine.call("record_upstream_cancel_failure", {
        p_job_id: refusedId,
        p_attempt: 1,
        p_response_id: "resp_1",
        p_error: "HTTP 401",
      });
      machine.clock.advance(3_600_000);
    }
    const before = await machine.row(refusedId);
    await cancelInTurn(machine, "resp_2");
    // One that is given up blocks no other.
    assert.deepEqual((await pending(machine, 1)).map(({ response_id }) => response_id), ["resp_2"]);
    const [flag, ...more] = await flagsOf(machine.db.owner, refusedId);
    assert.deepEqual(more, []);
    assert.equal(flag?.["code"], "cancel_unconfirmed");
    assert.match(flag?.["detail"], /resp_1 .*20 tries.*HTTP 401/);
    assert.deepEqual(await machine.row(refusedId), before);
    assert.equal((await machine.attempts(refusedId))[0]?.["cancel_pending"], false);
  },
);

sqlTest("two that claim cancels at once get different ones, and neither waits", async (machine) => {
  await cancelInTurn(machine, "resp_1", "resp_2");
  const held = await openTransaction(machine);
  try {
    const name = "public.claim_pending_cancels";
    const one = z.array(upstream).parse(await callFunction(held.sql, name, { p_limit: 1 }));
    const two = await pending(machine);
    const got = [...one, ...two].map(({ response_id }) => response_id);
    assert.deepEqual(got, ["resp_1", "resp_2"]);
  } finally {
    await held.rollback();
  }
});
