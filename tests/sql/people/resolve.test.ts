import assert from "node:assert/strict";
import {
  callStep,
  digestOf,
  saveSteps,
  stepLines,
  stepsOf,
  submitUncertain,
  view,
} from "../../support/ledger.ts";
import { submitted } from "../../support/machine-shapes.ts";
import { jobStatuses } from "../../../supabase/functions/_durable_responses/model/status.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const resolve = (m: Machine, id: string, outcome: string, args = {}) =>
  view(m, "resolve_response_job", {
    p_job_id: id,
    p_outcome: outcome,
    p_as_service: true,
    ...args,
  });

sqlTest("a job that needs a review says what is uncertain", async (m) => {
  const { id } = await submitUncertain(m);
  const { job } = { job: await view(m, "get_response_job", { p_job_id: id, p_as_service: true }) };
  assert.match(String(job["review_reason"]), /send at mailbox was in flight/);
  assert.deepEqual(job["waiting"], [{
    number: 1,
    request_id: "mcp_1",
    kind: "mcp_call",
    server_label: "mailbox",
    tool: "send",
    arguments: '{"to":"a"}',
    digest: await digestOf("mailbox", "send", '{"to":"a"}'),
  }]);
});

sqlTest("happened: the call is done, with the output that the person gives", async (m) => {
  const owner = await m.db.createUser();
  const { id } = await submitUncertain(m, { owner_id: owner });
  m.clock.advance(9_000);
  const job = await resolve(m, id, "happened", {
    p_output: "it is in Sent",
    p_as_service: false,
    p_owner_id: owner,
  });
  assert.equal(job.status, "queued");
  assert.equal(job["review_reason"], null);
  const [step] = await stepsOf(m, id);
  assert.deepEqual([step?.["status"], step?.["output"]], ["finished", "it is in Sent"]);
  assert.deepEqual(step?.["answer"], { outcome: "happened", output: "it is in Sent" });
  assert.deepEqual([step?.["answered_by"], step?.["answered_at"]], [owner, m.clock.now]);
  const [work] = await m.claim();
  const given = work?.["steps"];
  assert.ok(Array.isArray(given) && given.length === 1);
});

sqlTest("happened without an output: the next run is told that it is not known", async (m) => {
  const { id } = await submitUncertain(m);
  await resolve(m, id, "happened");
  assert.match((await stepsOf(m, id))[0]?.["output"], /confirmed that this happened/);
});

sqlTest("did_not_happen: the call is forgotten and the job goes on", async (m) => {
  const { id } = await submitUncertain(m);
  const job = await resolve(m, id, "did_not_happen");
  assert.equal(job.status, "queued");
  assert.equal((await stepsOf(m, id))[0]?.["status"], "void");
  const [work] = await m.claim();
  assert.deepEqual(work?.["steps"], []);
});

sqlTest("cancel: the job is cancelled and the call stays uncertain", async (m) => {
  const { id } = await submitUncertain(m);
  assert.equal((await resolve(m, id, "cancel")).status, "cancelled");
  const [step] = await stepsOf(m, id);
  assert.deepEqual([step?.["status"], step?.["answered_by"]], ["uncertain", "service"]);
});

sqlTest(
  "of several calls in doubt each is resolved by itself; a decision about none is refused",
  async (m) => {
    const work = await m.submitRunning();
    await saveSteps(
      m,
      work,
      callStep("started"),
      callStep("started", { item_id: "mcp_2", arguments: '{"to":"b"}', call_key: "send b" }),
    );
    await view(m, "retry_response_later", {
      p_job_id: work.id,
      p_attempt: work.attempt,
      p_error: { code: "worker_error", message: "It broke" },
    });
    const { id } = work;
    await refused(resolve(m, id, "did_not_happen"), "DR412");
    // A retry would say that the call in doubt did not happen, but there are two.
    await refused(m.call("retry_response_job", { p_job_id: id, p_as_service: true }), "DR412");
    await refused(
      resolve(m, id, "happened", { p_digest: await digestOf("mailbox", "send", "{}") }),
      "DR412",
    );
    await refused(resolve(m, id, "happened", { p_request_id: "mcp_9" }), "DR409");
    assert.deepEqual(await stepLines(m, id), ["send uncertain", "send uncertain"]);
    const first = await resolve(m, id, "happened", { p_request_id: "mcp_1" });
    assert.equal(first.status, "needs_review");
    const second = await resolve(m, id, "did_not_happen", {
      p_request_id: "mcp_2",
      p_digest: await digestOf("mailbox", "send", '{"to":"b"}'),
    });
    assert.equal(second.status, "queued");
    assert.deepEqual(await stepLines(m, id), ["send finished", "send void"]);
  },
);

sqlTest("cancel is about the job, however many calls are in doubt", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"), callStep("started", { item_id: "mcp_2" }));
  await view(m, "retry_response_later", {
    p_job_id: work.id,
    p_attempt: work.attempt,
    p_error: { code: "worker_error", message: "It broke" },
  });
  assert.equal((await resolve(m, work.id, "cancel")).status, "cancelled");
});

sqlTest("a second resolution is refused", async (m) => {
  const { id } = await submitUncertain(m);
  await resolve(m, id, "happened");
  await refused(resolve(m, id, "did_not_happen"), "DR409");
});

sqlTest("of ten resolutions at once one counts", async (m) => {
  const { id } = await submitUncertain(m);
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => resolve(m, id, n % 2 ? "happened" : "did_not_happen")),
  );
  assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
});

sqlTest("an outcome that is none of the three is refused", async (m) => {
  const { id } = await submitUncertain(m);
  await refused(resolve(m, id, "maybe"), "DR400");
});

sqlTest("another user's job is not there", async (m) => {
  const { id } = await submitUncertain(m, { owner_id: await m.db.createUser() });
  const stranger = { p_as_service: false, p_owner_id: await m.db.createUser() };
  await refused(resolve(m, id, "happened", stranger), "DR404");
});

const undoubted = jobStatuses.filter((status) => status !== "needs_review");
for (const status of undoubted) {
  sqlTest(`a job that is ${status} cannot be resolved`, async (m) => {
    await refused(resolve(m, await m.jobIn(status), "happened"), "DR409");
  });
}

sqlTest(
  "a job waits for its review with no worker and no poll, its clock standing still",
  async (m) => {
    await m.call("register_response_profiles", { p_names: ["default"] });
    const { id } = await submitUncertain(m, { deadline_ms: 60_000, review_ms: 3_600_000 });
    m.clock.advance(3_599_999);
    assert.equal(await m.call("response_work_due"), false);
    await m.claim();
    const row = await m.row(id);
    assert.deepEqual([row["status"], row["deadline"]], ["needs_review", null]);
    const { deadline } = await resolve(m, id, "did_not_happen");
    assert.deepEqual(deadline, new Date(m.clock.now.getTime() + 60_000));
  },
);

sqlTest("a review waits for 30 days unless the job says otherwise", async (m) => {
  const { id } = await submitUncertain(m);
  const { answer_until } = await m.row(id);
  assert.equal(answer_until - m.clock.now.getTime(), 30 * 86_400_000);
});

sqlTest("a review that nobody answers expires; an answer after that is refused", async (m) => {
  const { id } = await submitUncertain(m, { review_ms: 3_600_000 });
  m.clock.advance(3_600_000);
  await refused(resolve(m, id, "happened"), "DR409");
  assert.equal(await m.call("response_work_due"), true);
  await m.claim();
  const row = await m.row(id);
  assert.deepEqual([row["status"], row["error_code"]], ["failed", "review_expired"]);
  assert.equal((await stepsOf(m, id))[0]?.["status"], "uncertain");
  // Nothing is forgotten: the retry asks again, for as long as this one did.
  const retried = submitted.parse(
    await m.call("retry_response_job", { p_job_id: id, p_as_service: true }),
  );
  assert.equal(retried.job.status, "needs_review");
  const { answer_until, deadline_left_ms } = await m.row(retried.job.id);
  assert.equal(answer_until - m.clock.now.getTime(), 3_600_000);
  assert.equal(deadline_left_ms, String(86_400_000));
});
