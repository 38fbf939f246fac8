/** A retry is a new job, and must take over what the old one did. */
import assert from "node:assert/strict";
import {
  askStep,
  awaitApproval,
  callStep,
  fenced,
  itemStep,
  saveSteps,
  stepLines,
  stepsOf,
  submitUncertain,
} from "../../support/ledger.ts";
import { submitted } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function retry(m: Machine, id: string) {
  return submitted.parse(
    await m.call("retry_response_job", { p_job_id: id, p_as_service: true }),
  );
}

const cancel = (m: Machine, id: string) =>
  m.call("cancel_response_job", { p_job_id: id, p_as_service: true });

sqlTest("the ledger of a failed job goes to its retry, less its last words", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, itemStep("reasoning"), callStep("finished"), itemStep("message"));
  await m.fail(work);
  const { job } = await retry(m, work.id);
  assert.deepEqual(await stepLines(m, job.id), ["reasoning finished", "send finished"]);
  const [again] = await m.claim();
  const given = again?.["steps"];
  assert.ok(Array.isArray(given) && given.length === 2);
  await saveSteps(m, { id: job.id, attempt: 1 }, callStep("started", { effect: "none" }));
  assert.equal((await stepsOf(m, job.id)).length, 3);
});

sqlTest("and to the retry of the retry", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("finished"));
  await m.fail(work);
  const { job } = await retry(m, work.id);
  const [again] = await m.claim();
  assert.ok(again);
  await saveSteps(m, again, callStep("finished", { call_key: "send b" }));
  await m.fail(again);
  const second = await retry(m, job.id);
  assert.deepEqual(await stepLines(m, second.job.id), ["send finished", "send finished"]);
});

sqlTest("pressing retry twice copies it once", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("finished"));
  await m.fail(work);
  const { job } = await retry(m, work.id);
  await retry(m, work.id);
  assert.equal((await stepsOf(m, job.id)).length, 1);
});

sqlTest("a retry of a job that was cancelled while uncertain needs a review", async (m) => {
  const { id } = await submitUncertain(m);
  await m.call("resolve_response_job", {
    p_job_id: id,
    p_outcome: "cancel",
    p_as_service: true,
  });
  const { job } = await retry(m, id);
  assert.equal(job.status, "needs_review");
  assert.deepEqual(await stepLines(m, job.id), ["send uncertain"]);
  assert.equal((await stepsOf(m, job.id))[0]?.["answer"], null);
});

sqlTest("so does one that was cancelled with a call in flight", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"));
  await cancel(m, work.id);
  const { job } = await retry(m, work.id);
  assert.equal(job.status, "needs_review");
});

sqlTest("and one that was cancelled in background: nobody has read what it did", async (m) => {
  const { id } = await m.submitBackground("resp_1", { guard: "synchronous" });
  await cancel(m, id);
  const { job } = await retry(m, id);
  assert.equal(job.status, "needs_review");
  assert.deepEqual(await stepLines(m, job.id), ["unguarded_run uncertain"]);
});

sqlTest("and one whose deadline passed in background", async (m) => {
  const { id } = await m.submitBackground("resp_1", { guard: "synchronous" });
  await m.call("fail_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_error: { code: "deadline_exceeded", message: "Cannot finish" },
    p_cancel_upstream: true,
  });
  assert.equal((await retry(m, id)).job.status, "needs_review");
});

sqlTest("but not with the guard in front of it: without a yes it has done nothing", async (m) => {
  const { id } = await m.submitBackground("resp_1");
  await cancel(m, id);
  assert.equal((await retry(m, id)).job.status, "queued");
});

sqlTest("nor if its tools cannot act", async (m) => {
  const { id } = await m.submitBackground("resp_1", { guard: "off", once_tools: false });
  await cancel(m, id);
  assert.equal((await retry(m, id)).job.status, "queued");
});

sqlTest("retrying a job that needs a review says that nothing happened", async (m) => {
  const { id } = await submitUncertain(m);
  const { created, job } = await retry(m, id);
  assert.equal(created, false);
  assert.deepEqual([job.id, job.status], [id, "queued"]);
  assert.deepEqual(await stepLines(m, id), ["send void"]);
});

const say = (m: Machine, id: string, approve: boolean, request: string | null = null) =>
  m.call("answer_response_approval", {
    p_job_id: id,
    p_approve: approve,
    p_as_service: true,
    p_request_id: request,
  });

sqlTest("a yes that was not used was given for the old job: the retry asks again", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work);
  await say(m, work.id, true);
  await cancel(m, work.id);
  const { job } = await retry(m, work.id);
  assert.equal(job.status, "queued");
  assert.deepEqual(await stepLines(m, job.id), []);
});

sqlTest("a yes goes along with the call that was made with it", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work);
  await say(m, work.id, true);
  const [again] = await m.claim();
  assert.ok(again);
  await saveSteps(m, again, callStep("finished"));
  await m.fail(again);
  const { job } = await retry(m, work.id);
  assert.deepEqual(await stepLines(m, job.id), ["send finished", "send finished"]);
  const [request] = await stepsOf(m, job.id);
  assert.deepEqual(request?.["answer"], { approve: true });
});

sqlTest("of two yeses to the same call, only the one that was used goes along", async (m) => {
  for (const made of [{ type: "mcp_call", approval_request_id: "mcpr_1" }, null]) {
    const work = await m.submitRunning();
    await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2"));
    await say(m, work.id, true, "mcpr_1");
    await say(m, work.id, true, "mcpr_2");
    const [again] = await m.claim();
    assert.ok(again);
    await saveSteps(m, again, callStep("finished", { item: made }));
    await m.fail(again);
    const { job } = await retry(m, work.id);
    const kinds = (await stepsOf(m, job.id)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["mcp_approval_request", "mcp_call"]);
    await cancel(m, job.id);
  }
});

sqlTest(
  "of two requests with one id, the call takes the last, and the other's yes stays behind",
  async (m) => {
    const work = await m.submitRunning();
    await awaitApproval(m, work, askStep("mcpr_0"));
    const say = () =>
      m.call("answer_response_approval", {
        p_job_id: work.id,
        p_approve: true,
        p_as_service: true,
      });
    await say();
    const [second] = await m.claim("worker-2");
    assert.ok(second);
    await awaitApproval(m, second, askStep("mcpr_0"));
    await say();
    const [third] = await m.claim("worker-3");
    assert.ok(third);
    const item = { type: "mcp_call", id: "mcp_1", approval_request_id: "mcpr_0" };
    await saveSteps(m, third, callStep("finished", { item }));
    await m.fail(third);
    const { job } = await retry(m, work.id);
    const kept = (await stepsOf(m, job.id)).map((step) => step["item_id"]);
    assert.deepEqual(kept, ["2:mcpr_0", "3:mcp_1"]);
  },
);

for (const outcome of ["finished", "void"] as const) {
  sqlTest(
    `a late report that a call is ${outcome} ends the doubt of the retry, and of the retry's retry`,
    async (m) => {
      const work = await m.submitRunning();
      await saveSteps(m, work, callStep("started"));
      await cancel(m, work.id);
      const first = await retry(m, work.id);
      await cancel(m, first.job.id);
      const { job } = await retry(m, first.job.id);
      assert.equal(job.status, "needs_review");
      await saveSteps(m, work, callStep(outcome));
      assert.equal((await m.row(job.id))["status"], "queued");
      for (const id of [work.id, first.job.id, job.id]) {
        assert.deepEqual(await stepLines(m, id), [`send ${outcome}`]);
      }
    },
  );
}

sqlTest("a late report of a call that the retry did not know of holds it for review", async (m) => {
  const work = await m.submitRunning();
  await m.fail(work);
  const { job } = await retry(m, work.id);
  const [again] = await m.claim();
  assert.equal(again?.["id"], job.id);
  await saveSteps(m, work, callStep("finished"));
  const row = await m.row(job.id);
  assert.equal(row["status"], "needs_review");
  assert.match(row["review_reason"], /^The job that this one retries reported late/);
});
