import assert from "node:assert/strict";
import { z } from "zod";
import {
  askStep,
  awaitApproval,
  callStep,
  digestOf,
  stepLines,
  stepsOf,
  view,
} from "../../support/ledger.ts";
import { jobStatuses } from "../../../supabase/functions/_durable_responses/model/status.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const answer = (m: Machine, id: string, args = {}) =>
  view(m, "answer_response_approval", {
    p_job_id: id,
    p_approve: true,
    p_as_service: true,
    ...args,
  });

sqlTest("a job that asks is suspended with no worker, and says what it asks", async (m) => {
  const work = await m.submitRunning({ approval_ms: 60_000 });
  const job = await awaitApproval(m, work);
  assert.equal(job.status, "awaiting_approval");
  assert.deepEqual(job["waiting"], [{
    number: 1,
    request_id: "mcpr_1",
    kind: "mcp_approval_request",
    server_label: "mailbox",
    tool: "send",
    arguments: '{"to":"a"}',
    digest: await digestOf("mailbox", "send", '{"to":"a"}'),
  }]);
  const row = await m.row(work.id);
  assert.equal(row["leased_by"], null);
  assert.equal(row["answer_until"] - m.clock.now.getTime(), 60_000);
  assert.equal((await m.attempts(work.id))[0]?.["outcome"], "suspended");
  assert.deepEqual(await m.claim(), []);
});

sqlTest("a background job can ask too", async (m) => {
  const { id } = await m.submitBackground("resp_1");
  assert.equal((await awaitApproval(m, { id, attempt: 1 })).status, "awaiting_approval");
});

sqlTest("the owner's answer is recorded with who and when, and the job goes on", async (m) => {
  const owner = await m.db.createUser();
  const work = await m.submitRunning({ owner_id: owner });
  await awaitApproval(m, work);
  m.clock.advance(5_000);
  const job = await answer(m, work.id, {
    p_as_service: false,
    p_owner_id: owner,
    p_approve: false,
    p_reason: "not today",
  });
  assert.equal(job.status, "queued");
  assert.deepEqual(job.run_at, m.clock.now);
  const [step] = await stepsOf(m, work.id);
  assert.deepEqual(step?.["answer"], { approve: false, reason: "not today" });
  assert.equal(step?.["answered_by"], owner);
  assert.deepEqual(step?.["answered_at"], m.clock.now);
  const [again] = await m.claim();
  const given = again?.["steps"];
  assert.ok(Array.isArray(given));
  assert.deepEqual(given[0].answer, { approve: false, reason: "not today" });
});

sqlTest("a server's answer is recorded as such", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work);
  await answer(m, work.id);
  assert.equal((await stepsOf(m, work.id))[0]?.["answered_by"], "service");
});

sqlTest(
  "of several requests each can be answered; the last answer lets the job go on",
  async (m) => {
    const work = await m.submitRunning();
    await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2"));
    const first = await answer(m, work.id, { p_request_id: "mcpr_1" });
    assert.equal(first.status, "awaiting_approval");
    assert.ok(Array.isArray(first["waiting"]) && first["waiting"].length === 1);
    const last = await answer(m, work.id, { p_request_id: "mcpr_2", p_approve: false });
    assert.equal(last.status, "queued");
    const answers = (await stepsOf(m, work.id)).map((step) => step["answer"].approve);
    assert.deepEqual(answers, [true, false]);
  },
);

sqlTest(
  "an answer that names no request is refused while several wait, and answers none",
  async (m) => {
    const work = await m.submitRunning();
    await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2", '{"to":"b"}'));
    await refused(answer(m, work.id), "DR412");
    assert.deepEqual(await stepLines(m, work.id), ["send waiting", "send waiting"]);
    // The digest identifies one of two different calls.
    const seen = { p_digest: await digestOf("mailbox", "send", '{"to":"b"}') };
    assert.equal((await answer(m, work.id, seen)).status, "awaiting_approval");
    assert.deepEqual(await stepLines(m, work.id), ["send waiting", "send finished"]);
    assert.equal((await answer(m, work.id)).status, "queued");
  },
);

sqlTest("two requests for the very same call are told apart by their ids only", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2"));
  const seen = { p_digest: await digestOf("mailbox", "send", '{"to":"a"}') };
  await refused(answer(m, work.id, seen), "DR412");
  const named = { ...seen, p_request_id: "mcpr_1" };
  assert.equal((await answer(m, work.id, named)).status, "awaiting_approval");
});

sqlTest("a yes to another call than the one that waits is refused", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work, askStep("mcpr_1", '{"to":"b"}'));
  const seen = { p_digest: await digestOf("mailbox", "send", '{"to":"a"}') };
  await refused(answer(m, work.id, seen), "DR412");
  await refused(answer(m, work.id, { ...seen, p_request_id: "mcpr_1" }), "DR412");
  assert.deepEqual(await stepLines(m, work.id), ["send waiting"]);
});

sqlTest(
  "an argument that differs in a digit, a space or a duplicate has another digest",
  async (m) => {
    const work = await m.submitRunning();
    const texts = [
      '{"id":9007199254740993}',
      '{"id":9007199254740992}',
      '{"id": 9007199254740992}',
      '{"id":1,"id":9007199254740992}',
      '{"to":"b\\u202Ea"}',
    ];
    const job = await awaitApproval(m, work, ...texts.map((text, n) => askStep(`mcpr_${n}`, text)));
    const waiting = z.array(z.object({ digest: z.string() })).parse(job["waiting"]);
    assert.deepEqual(
      waiting.map(({ digest }) => digest),
      await Promise.all(texts.map((text) => digestOf("mailbox", "send", text))),
    );
    assert.equal(new Set(waiting.map(({ digest }) => digest)).size, texts.length);
  },
);

sqlTest("a second answer is refused, to one request and to the job", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2"));
  await answer(m, work.id, { p_request_id: "mcpr_1" });
  await refused(answer(m, work.id, { p_request_id: "mcpr_1", p_approve: false }), "DR409");
  await answer(m, work.id);
  await refused(answer(m, work.id, { p_approve: false }), "DR409");
  assert.ok((await stepsOf(m, work.id)).every((step) => step["answer"].approve === true));
});

sqlTest("several answers in one call are all taken, or none", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2"), askStep("mcpr_3"));
  const answers = (...given: Record<string, string | boolean>[]) =>
    view(m, "answer_response_job", {
      p_job_id: work.id,
      p_answers: given,
      p_as_service: true,
    });
  const yes = { request_id: "mcpr_1", approve: true };
  const no = { request_id: "mcpr_2", approve: false, reason: "not this" };
  const unanswered = async () => (await stepsOf(m, work.id)).filter((step) => !step["answer"]);
  await refused(answers(yes, { request_id: "mcpr_9", approve: true }), "DR409");
  await refused(answers(yes, { ...yes, approve: false }), "DR400");
  await refused(answers(yes, { request_id: "mcpr_2" }), "DR400");
  await refused(answers(yes, { ...no, digest: "0".repeat(64) }), "DR412");
  assert.equal((await unanswered()).length, 3);
  assert.equal((await answers(yes, no)).status, "awaiting_approval");
  assert.equal((await unanswered()).length, 1);
  assert.equal((await answers({ approve: true })).status, "queued");
  assert.deepEqual((await stepsOf(m, work.id)).map((step) => step["answer"]), [
    { approve: true },
    { approve: false, reason: "not this" },
    { approve: true },
  ]);
});

sqlTest("of ten answers at once one counts", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work);
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => answer(m, work.id, { p_reason: `answer ${n}` })),
  );
  assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
});

sqlTest("a request that is not there is refused", async (m) => {
  const work = await m.submitRunning();
  await awaitApproval(m, work);
  await refused(answer(m, work.id, { p_request_id: "mcpr_9" }), "DR409");
});

sqlTest("another user's job is not there", async (m) => {
  const owner = await m.db.createUser();
  const work = await m.submitRunning({ owner_id: owner });
  await awaitApproval(m, work);
  const stranger = { p_as_service: false, p_owner_id: await m.db.createUser() };
  await refused(answer(m, work.id, stranger), "DR404");
  await refused(answer(m, work.id, { p_as_service: false }), "DR404");
});

sqlTest("an answer after the request has expired is refused, and the job fails", async (m) => {
  const work = await m.submitRunning({ approval_ms: 60_000 });
  await awaitApproval(m, work);
  m.clock.advance(60_000);
  await refused(answer(m, work.id), "DR409");
  assert.equal(await m.call("response_work_due"), true);
  await m.claim();
  const row = await m.row(work.id);
  assert.deepEqual([row["status"], row["error_code"]], ["failed", "approval_expired"]);
  assert.match(row["error_message"], /awaiting_approval since 2030-01-01T12:00:00Z .*12:01:00Z/);
  assert.ok(row["error_hint"]);
});

sqlTest(
  "the deadline's clock stands still while a person is asked, and goes on then",
  async (m) => {
    const work = await m.submitRunning({ deadline_ms: 60_000, approval_ms: 3_600_000 });
    m.clock.advance(20_000);
    const asked = await awaitApproval(m, work);
    assert.equal(asked.deadline, null);
    assert.equal((await m.row(work.id))["deadline_left_ms"], "40000");
    m.clock.advance(3_000_000);
    assert.equal(await m.call("response_work_due"), false);
    assert.deepEqual(await m.claim(), []);
    const answered = await answer(m, work.id);
    assert.equal(answered.status, "queued");
    assert.deepEqual(answered.deadline, new Date(m.clock.now.getTime() + 40_000));
    assert.equal((await m.row(work.id))["deadline_left_ms"], null);
    m.clock.advance(10_000);
    assert.equal((await m.claim())[0]?.deadline_left_ms, 30_000);
  },
);

sqlTest("what was left of the deadline counts after the answer", async (m) => {
  const work = await m.submitRunning({ deadline_ms: 60_000, approval_ms: 3_600_000 });
  m.clock.advance(59_000);
  await awaitApproval(m, work);
  m.clock.advance(3_000_000);
  await answer(m, work.id);
  m.clock.advance(1_000);
  await m.claim();
  const row = await m.row(work.id);
  assert.deepEqual([row["status"], row["error_code"]], ["failed", "deadline_exceeded"]);
});

sqlTest("one of several answers does not start the clock", async (m) => {
  const work = await m.submitRunning({ deadline_ms: 60_000 });
  await awaitApproval(m, work, askStep("mcpr_1"), askStep("mcpr_2"));
  m.clock.advance(1_000);
  assert.equal((await answer(m, work.id, { p_request_id: "mcpr_1" })).deadline, null);
  m.clock.advance(1_000);
  const { deadline } = await answer(m, work.id, { p_request_id: "mcpr_2" });
  assert.deepEqual(deadline, new Date(m.clock.now.getTime() + 60_000));
});

sqlTest("a call that was handed to the caller and never answered expires", async (m) => {
  const id = await m.jobIn("awaiting_tool_output", { deadline_ms: 1_000, approval_ms: 60_000 });
  m.clock.advance(59_999);
  assert.equal(await m.call("response_work_due"), false);
  m.clock.advance(1);
  assert.equal(await m.call("response_work_due"), true);
  await m.claim();
  const row = await m.row(id);
  assert.deepEqual([row["status"], row["error_code"]], ["failed", "tool_output_expired"]);
});

const unasked = jobStatuses.filter((status) => status !== "awaiting_approval");
for (const status of unasked) {
  sqlTest(`a job that is ${status} takes no answer`, async (m) => {
    await refused(answer(m, await m.jobIn(status)), "DR409");
  });
}

sqlTest("an uncertain call comes before the question: the next run asks again", async (m) => {
  const { id } = await m.submitBackground("resp_1");
  const job = await awaitApproval(m, { id, attempt: 1 }, callStep("uncertain"), askStep());
  assert.equal(job.status, "needs_review");
  assert.deepEqual(await stepLines(m, id), ["send uncertain", "send void"]);
});
