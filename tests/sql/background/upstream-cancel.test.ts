import assert from "node:assert/strict";
import { z } from "zod";
import { upstream } from "../../support/machine-shapes.ts";
import { type Machine, someError } from "../../support/machine.ts";
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
  assert.deepEqual(await pending(machine), listed);
  assert.deepEqual(await pending(machine), listed);
  await machine.call("confirm_upstream_cancel", { p_job_id: id, p_attempt: 1 });
  assert.deepEqual(await pending(machine), []);
});

sqlTest("failing a background job with p_cancel_upstream lists its response", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.call("fail_response_job", {
    ...{ p_job_id: id, p_attempt: 1, p_error: someError, p_cancel_upstream: true },
  });
  assert.deepEqual((await pending(machine)).map(({ response_id }) => response_id), ["resp_1"]);
});

sqlTest("a synchronous run has nothing to cancel at OpenAI", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  await machine.call("fail_response_job", {
    ...{ p_job_id: id, p_attempt: attempt, p_error: someError, p_cancel_upstream: true },
  });
  assert.deepEqual(await pending(machine), []);
});

sqlTest("at most p_limit are listed", async (machine) => {
  for (const response of ["resp_1", "resp_2", "resp_3"]) {
    const { id } = await machine.submitBackground(response);
    await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  }
  assert.equal((await pending(machine, 2)).length, 2);
});
