/** Failures to settle a background response are counted, and shown in the error. Also, a key that was refused once. */
import assert from "node:assert/strict";
import { sqlTest } from "../../support/sql-test.ts";
import { callStep } from "../../support/ledger.ts";
import { flagsOf } from "../../support/job-state.ts";

const note = (id: string, more: Record<string, unknown> = {}) => ({
  p_job_id: id,
  p_attempt: 1,
  p_error: "answer_unreadable: <html>",
  ...more,
});

sqlTest("what kept it is counted, and stands in the error at the deadline", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  assert.equal(await machine.call("record_settle_failure", note(id)), 1);
  assert.equal(
    await machine.call("record_settle_failure", note(id, { p_after_ms: 99_999_999_999_999 })),
    2,
  );
  machine.clock.advance(30 * 86_400_000);
  await machine.call("claim_background_polls", { p_limit: 20 });
  const row = await machine.row(id);
  assert.equal(row["error_code"], "deadline_exceeded");
  assert.match(row["error_message"], /2 times.*<html>/);
});

sqlTest("nothing is counted for an attempt that is over", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  assert.equal(await machine.call("record_settle_failure", note(id)), null);
});

sqlTest("a response id that another job waits for is as good as none", async (machine) => {
  await machine.submitBackground("resp_1");
  const { id } = await machine.submitBackground("resp_1");
  assert.equal((await machine.row(id))["response_id"], null);
});

sqlTest("a late report of what the ledger has is no news", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  const step = callStep("finished");
  await machine.call("fall_back_response_job", {
    p_job_id: id,
    p_attempt: 1,
    p_error: { code: "openai_server_error", message: "no" },
    p_steps: [step],
  });
  const before = await machine.row(id);
  await machine.call("save_response_steps", { p_job_id: id, p_attempt: 1, p_steps: [step] });
  assert.deepEqual(await machine.row(id), before);
  assert.deepEqual(await flagsOf(machine.db.owner, id), []);
});

const refused = { code: "openai_auth_failed", message: "no", status: "401" };

sqlTest("the first 401 of a job is tried again, the second is the end", async (machine) => {
  const first = await machine.submitRunning();
  await machine.call("fail_response_job", { p_job_id: first.id, p_attempt: 1, p_error: refused });
  assert.equal((await machine.row(first.id))["status"], "queued");
  machine.clock.advance(600_000);
  const [again] = await machine.claim();
  assert.equal(again?.id, first.id);
  await machine.call("fail_response_job", { p_job_id: first.id, p_attempt: 2, p_error: refused });
  const row = await machine.row(first.id);
  assert.deepEqual([row["status"], row["error_code"]], ["failed", "openai_auth_failed"]);
});

sqlTest(
  "a 403, and a key that is called wrong and never was right, are the end",
  async (machine) => {
    for (const more of [{ status: "403" }, { type: "invalid_api_key" }]) {
      const { id } = await machine.submitRunning();
      await machine.call("fail_response_job", {
        p_job_id: id,
        p_attempt: 1,
        p_error: { ...refused, ...more },
      });
      assert.equal((await machine.row(id))["status"], "failed");
    }
  },
);
