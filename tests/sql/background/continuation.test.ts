/** A worker that is lost between the yes and the record of the response that continues the run in background. */
import assert from "node:assert/strict";
import { z } from "zod";
import { flagsOf } from "../../support/job-state.ts";
import { askStep, callStep, fenced, saveSteps, stepLines, view } from "../../support/ledger.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { knownWork, recorded, upstream } from "../../support/machine-shapes.ts";
import { sqlTest } from "../../support/sql-test.ts";

const first = (id: string) => ({ id, attempt: 2 });
const next = (id: string) => ({ id, attempt: 3 });
const statusOf = async (m: Machine, id: string) => (await m.row(id))["status"];
const outcomes = async (m: Machine, id: string) =>
  (await m.attempts(id)).map(({ mode, outcome, error_code }) =>
    [mode, outcome, error_code].filter((part) => part !== null).join(" ")
  );

/** A job whose worker is about to send the yes to its call: attempt 2, after which the response would be attempt 3. */
async function sending(m: Machine): Promise<string> {
  const { id } = await m.submitBackground("resp_1");
  await view(m, "continue_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_response_id: "resp_1",
    p_steps: [askStep()],
    p_answers: { mcpr_1: { approve: true } },
  });
  const [work] = await m.claim();
  assert.equal(work?.attempt, 2);
  const isCurrent = await m.call("save_response_steps", {
    ...fenced(first(id)),
    p_steps: [callStep("started")],
    p_announced: true,
    p_continuing: true,
  });
  assert.equal(isCurrent, true);
  return id;
}

/** Its lease has expired. */
async function lost(m: Machine): Promise<string> {
  const id = await sending(m);
  m.clock.advance(31_000);
  assert.deepEqual(await m.claim("worker-2"), []);
  return id;
}

sqlTest("that its response never came says nothing about its route", async (m) => {
  await given(m);
  const [route] = await m.db.owner`select background_failures from public.response_routes`;
  assert.equal(route?.["background_failures"], 0);
});

sqlTest("nor does it after a worker that ended and gave the job back", async (m) => {
  const id = await sending(m);
  const released = await m.call("release_response_jobs", {
    p_worker: "worker-1",
    p_jobs: [first(id)],
  });
  assert.equal(released, 1);
  assert.deepEqual(await outcomes(m, id), [
    "background continued",
    "synchronous continued worker_lost",
    "background",
  ]);
  assert.equal(await held(m, id), "needs_review");
  const [route] = await m.db.owner`select background_failures from public.response_routes`;
  assert.equal(route?.["background_failures"], 0);
});

sqlTest("an answer of OpenAI that could not be read counts against its route", async (m) => {
  const id = await sending(m);
  await m.call("continue_in_background", { ...fenced(first(id)), p_response_id: null });
  assert.equal(await held(m, id), "needs_review");
  const [route] = await m.db.owner`select background_failures from public.response_routes`;
  assert.equal(route?.["background_failures"], 1);
});

/** Nothing has come until the budget ended. */
async function given(m: Machine): Promise<string> {
  const id = await lost(m);
  assert.equal(await held(m, id), "needs_review");
  return id;
}

/** The status after the budget of the response that nobody recorded. */
async function held(m: Machine, id: string): Promise<string> {
  const job = await view(m, "fall_back_response_job", {
    ...fenced(next(id)),
    p_error: someError,
    p_unknown: true,
  });
  return job.status;
}

const adopted = z.object({ known: z.boolean(), abandoned: upstream.extend({ own: z.boolean() }) });
const adopt = (m: Machine, id: string, responseId = "resp_2") =>
  m.call("adopt_background_response", { ...fenced(next(id)), p_response_id: responseId });
const record = async (m: Machine, id: string, responseId: string) =>
  recorded.parse(
    await m.call("continue_in_background", { ...fenced(first(id)), p_response_id: responseId }),
  );
const withdraw = (m: Machine, id: string) =>
  m.call("withdraw_continuation", {
    ...fenced(first(id)),
    p_steps: [callStep("void")],
  });
const pendingCancels = async (m: Machine) =>
  z.array(upstream).parse(await m.call("claim_pending_cancels"));

sqlTest("the job waits for the response, and no worker gets it", async (m) => {
  const id = await lost(m);
  const row = await m.row(id);
  assert.deepEqual([row["status"], row["attempt"], row["response_id"]], ["background", 3, null]);
  assert.deepEqual(await outcomes(m, id), [
    "background continued",
    "synchronous continued worker_lost",
    "background",
  ]);
  assert.deepEqual(await stepLines(m, id), ["send finished", "send started"]);
  m.clock.advance(3_600_000);
  assert.deepEqual(await m.claim("worker-2"), []);
});

sqlTest("a late webhook brings its result, and nobody is asked", async (m) => {
  const id = await lost(m);
  const { work } = knownWork.parse(await adopt(m, id));
  assert.deepEqual([work?.attempt, work?.["calls_started"]], [3, true]);
  await view(m, "complete_response_job", {
    ...fenced(next(id)),
    p_response_id: "resp_2",
    p_output: [],
    p_steps: [callStep("finished")],
  });
  assert.equal(await statusOf(m, id), "completed");
  assert.deepEqual(await stepLines(m, id), ["send finished", "send finished"]);
  assert.deepEqual(await pendingCancels(m), []);
});

sqlTest("so does one that comes before the lease expires, and then a late record", async (m) => {
  const id = await sending(m);
  assert.equal(knownWork.parse(await adopt(m, id)).work?.attempt, 3);
  m.clock.advance(31_000);
  await m.claim("worker-2");
  assert.equal((await record(m, id, "resp_2")).orphaned, false);
  assert.equal((await m.row(id))["response_id"], "resp_2");
  assert.deepEqual(await pendingCancels(m), []);
});

sqlTest("a worker that was only slow records its response, which is no orphan", async (m) => {
  const id = await lost(m);
  assert.equal((await record(m, id, "resp_2")).orphaned, false);
  assert.equal((await m.row(id))["response_id"], "resp_2");
  // And again, if the answer was lost.
  assert.equal((await record(m, id, "resp_2")).orphaned, false);
  assert.equal(knownWork.parse(await adopt(m, id)).work?.attempt, 3);
  assert.deepEqual(await pendingCancels(m), []);
});

sqlTest("a second response to the same request is cancelled, and not waited for", async (m) => {
  const id = await lost(m);
  await adopt(m, id, "resp_2");
  assert.equal((await record(m, id, "resp_other")).orphaned, true);
  assert.equal((await m.row(id))["response_id"], "resp_2");
  assert.deepEqual((await pendingCancels(m)).map((one) => one.response_id), ["resp_other"]);
});

sqlTest("a worker that was only slow and has sent nothing gives the job back", async (m) => {
  const id = await lost(m);
  assert.equal(await withdraw(m, id), true);
  assert.deepEqual(await stepLines(m, id), ["send finished", "send void"]);
  const [work] = await m.claim("worker-2");
  assert.equal(work?.attempt, 4);
  assert.deepEqual(work?.["background"], { attempt: 1, response_id: "resp_1" });
  // Once the job has moved on, it changes nothing.
  assert.equal(await withdraw(m, id), false);
  assert.equal(await statusOf(m, id), "running");
});

sqlTest("what has a response is not given back", async (m) => {
  const id = await lost(m);
  await adopt(m, id);
  assert.equal(await withdraw(m, id), false);
  assert.deepEqual(await stepLines(m, id), ["send finished", "send started"]);
  assert.equal(await statusOf(m, id), "background");
});

sqlTest("a run that sends nothing is a usual one again", async (m) => {
  const id = await sending(m);
  assert.equal(await withdraw(m, id), true);
  m.clock.advance(31_000);
  await m.claim("worker-2");
  assert.equal(await statusOf(m, id), "queued");
});

sqlTest("one that continues in its worker leaves its calls in doubt", async (m) => {
  const id = await sending(m);
  await m.call("record_background_failure", { ...fenced(first(id)), p_error: someError });
  m.clock.advance(31_000);
  await m.claim("worker-2");
  assert.equal(await statusOf(m, id), "needs_review");
});

sqlTest("a worker that ends before it knows the answer leaves the job waiting", async (m) => {
  const id = await sending(m);
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [first(id)] });
  assert.equal(await statusOf(m, id), "background");
  assert.deepEqual((await outcomes(m, id))[1], "synchronous continued worker_lost");
});

sqlTest("calls in a run without the guard wait, too: nobody knows what they are", async (m) => {
  const { id } = await m.submitBackground("resp_1", { once_tools: true, guard: "synchronous" });
  await view(m, "continue_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_response_id: "resp_1",
    p_steps: [askStep()],
    p_answers: { mcpr_1: { approve: false } },
  });
  await m.claim();
  await m.call("save_response_steps", {
    ...fenced(first(id)),
    p_steps: [],
    p_announced: true,
    p_continuing: true,
  });
  m.clock.advance(31_000);
  assert.deepEqual(await m.claim("worker-2"), []);
  const held = await view(m, "fall_back_response_job", {
    ...fenced(next(id)),
    p_error: someError,
    p_unknown: true,
  });
  assert.equal(held.status, "needs_review");
});

for (
  const [ended, line] of [["finished", "send finished"], ["void", "send void"]] as const
) {
  sqlTest(`a webhook after the budget ends the review: the call is ${ended}`, async (m) => {
    const id = await given(m);
    const { abandoned } = adopted.parse(await adopt(m, id));
    assert.deepEqual([abandoned.attempt, abandoned.own], [3, true]);
    assert.equal(await saveSteps(m, next(id), callStep(ended)), false);
    assert.equal(await statusOf(m, id), "queued");
    assert.equal((await stepLines(m, id)).at(-1), line);
  });
}

sqlTest("so does its worker, which was only slow and has not sent it", async (m) => {
  const id = await given(m);
  await withdraw(m, id);
  assert.equal(await statusOf(m, id), "queued");
  assert.equal((await stepLines(m, id)).at(-1), "send void");
});

sqlTest("that a call was not made says nothing to whoever has decided already", async (m) => {
  const id = await given(m);
  await view(m, "resolve_response_job", {
    p_job_id: id,
    p_outcome: "happened",
    p_as_service: true,
  });
  await m.claim("worker-2");
  await adopt(m, id);
  await saveSteps(m, next(id), callStep("void"));
  assert.equal(await statusOf(m, id), "running");
  assert.deepEqual(await stepLines(m, id), ["send finished", "send finished"]);
});

sqlTest("that it was made holds the job, if a person said that it was not", async (m) => {
  const id = await given(m);
  await view(m, "resolve_response_job", {
    p_job_id: id,
    p_outcome: "did_not_happen",
    p_as_service: true,
  });
  await m.claim("worker-2");
  await adopt(m, id);
  await saveSteps(m, next(id), callStep("finished"));
  assert.equal(await statusOf(m, id), "needs_review");
});

for (const [ended, flags] of [["finished", ["late_call"]], ["void", []]] as const) {
  sqlTest(`the response of a job cancelled meanwhile is cancelled: ${ended}`, async (m) => {
    const id = await lost(m);
    await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
    const { abandoned } = adopted.parse(await adopt(m, id));
    assert.equal(abandoned.attempt, 3);
    assert.deepEqual((await pendingCancels(m)).map((one) => one.response_id), ["resp_2"]);
    await saveSteps(m, next(id), callStep(ended));
    assert.deepEqual((await flagsOf(m.db.owner, id)).map(({ code }) => code), flags);
  });
}

sqlTest("cancelled before its lease expired, it belongs to the attempt that sent it", async (m) => {
  const id = await sending(m);
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  const { abandoned } = adopted.parse(await adopt(m, id));
  // Not its own: that attempt may have sent the yes in its worker as well.
  assert.deepEqual([abandoned.attempt, abandoned.own], [2, false]);
  assert.equal((await record(m, id, "resp_2")).orphaned, true);
});

sqlTest(
  "an id that an earlier attempt's response had is no id: the webhook brings one",
  async (m) => {
    const id = await sending(m);
    assert.equal((await record(m, id, "resp_1")).orphaned, false);
    const row = await m.row(id);
    assert.deepEqual([row["status"], row["attempt"], row["response_id"]], ["background", 3, null]);
    assert.deepEqual(await stepLines(m, id), ["send finished", "send started"]);
    const { work } = knownWork.parse(await adopt(m, id));
    assert.equal(work?.["response_id"], "resp_2");
    assert.deepEqual(work?.["earlier_responses"], ["resp_1"]);
  },
);

sqlTest("nor is one that another job waits for, or had in background", async (m) => {
  const waiting = await m.submitBackground("resp_b");
  const done = await m.submitBackground("resp_c");
  await m.complete({ id: done.id, attempt: 1 }, "resp_c");
  for (const responseId of ["resp_b", "resp_c"]) {
    const id = await sending(m);
    assert.equal((await record(m, id, responseId)).orphaned, false);
    const row = await m.row(id);
    assert.deepEqual([row["status"], row["attempt"], row["response_id"]], ["background", 3, null]);
    await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  }
  assert.equal((await m.row(waiting.id))["response_id"], "resp_b");
});

sqlTest("such an id in a late record ends nobody's response", async (m) => {
  await m.submitBackground("resp_b");
  const id = await sending(m);
  await adopt(m, id, "resp_2");
  for (const responseId of ["resp_1", "resp_b"]) {
    assert.equal((await record(m, id, responseId)).orphaned, false);
  }
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  for (const responseId of ["resp_1", "resp_b"]) {
    assert.equal((await record(m, id, responseId)).orphaned, false);
  }
  assert.deepEqual((await pendingCancels(m)).map((one) => one.response_id), ["resp_2"]);
});

sqlTest("a response that is read late comes with the ids of the job's others", async (m) => {
  const id = await given(m);
  const { abandoned } = z.object({
    abandoned: z.object({ response_id: z.string(), other_responses: z.array(z.string()) }),
  }).parse(await adopt(m, id));
  assert.deepEqual(abandoned, { response_id: "resp_2", other_responses: ["resp_1"] });
});

sqlTest(
  "a worker that says late that nothing was sent ends no doubt about a response that exists",
  async (m) => {
    const id = await given(m);
    await adopt(m, id);
    assert.equal(await withdraw(m, id), false);
    assert.equal(await statusOf(m, id), "needs_review");
    assert.equal((await stepLines(m, id)).at(-1), "send uncertain");
  },
);
