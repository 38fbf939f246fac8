import assert from "node:assert/strict";
import { callStep, held, itemStep, saveSteps, stepLines, stepsOf } from "../../support/ledger.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("a call is one step from its start to its end, numbered in order of start", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started", { arguments: null, call_key: null }));
  m.clock.advance(500);
  await saveSteps(m, work, callStep("started"), itemStep("reasoning"));
  m.clock.advance(500);
  await saveSteps(m, work, callStep("finished"));
  const [call, thought] = await stepsOf(m, work.id);
  assert.equal(call?.["number"], 1);
  assert.ok(thought?.["number"] > 1);
  assert.equal(call?.["status"], "finished");
  assert.equal(call?.["arguments"], '{"to":"a"}');
  assert.equal(call?.["call_key"], "send a");
  assert.equal(call?.["output"], "sent");
  assert.equal(call?.["finished_at"] - call?.["started_at"], 1000);
});

for (const settled of ["finished", "failed", "uncertain"] as const) {
  sqlTest(`a late repeat of a start does not reopen a call that is ${settled}`, async (m) => {
    const work = await m.submitRunning();
    await saveSteps(m, work, callStep(settled));
    const before = await stepsOf(m, work.id);
    m.clock.advance(1000);
    await saveSteps(m, work, callStep("started"));
    await saveSteps(m, work, callStep("finished", { output: "something else" }));
    assert.deepEqual(await stepsOf(m, work.id), before);
  });
}

sqlTest("the end of a call keeps the arguments that its start had", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"));
  await saveSteps(m, work, callStep("finished", { arguments: null, call_key: null }));
  const [call] = await stepsOf(m, work.id);
  assert.equal(call?.["arguments"], '{"to":"a"}');
  assert.equal(call?.["call_key"], "send a");
});

sqlTest("the same item id in another attempt is another step", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("finished"));
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
  const [again] = await m.claim();
  assert.ok(again);
  await saveSteps(m, again, callStep("started", { effect: "none" }));
  assert.deepEqual(await stepLines(m, work.id), ["send finished", "send started"]);
});

sqlTest("a step of an attempt that is over is not taken", async (m) => {
  const work = await m.submitRunning();
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
  const late = itemStep("mcp_list_tools");
  assert.equal(await saveSteps(m, work, late), false);
  const [again] = await m.claim("worker-2");
  assert.ok(again);
  assert.equal(await saveSteps(m, work, late, callStep("started", { effect: "none" })), false);
  assert.equal(await saveSteps(m, { ...again, attempt: 9 }, callStep("started")), false);
  assert.deepEqual(await stepsOf(m, work.id), []);
  assert.equal((await m.row(work.id))["status"], "running");
});

for (const [reported, kept] of [["started", "uncertain"], ["finished", "finished"]] as const) {
  sqlTest(`a call that is reported late as ${reported} is kept as ${kept}`, async (m) => {
    const work = await m.submitRunning();
    await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
    assert.equal(await saveSteps(m, work, callStep(reported)), false);
    assert.deepEqual(await stepLines(m, work.id), [`send ${kept}`]);
    // A call that is known to be done does not stop the job. The next run is told.
    const status = kept === "finished" ? "queued" : "needs_review";
    assert.equal((await m.row(work.id))["status"], status);
  });
}

sqlTest("a late report stops the run that may be about to make the same call", async (m) => {
  const work = await m.submitRunning();
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
  const [again] = await m.claim("worker-2");
  assert.ok(again);
  await saveSteps(m, work, callStep("finished"));
  assert.equal((await m.row(work.id))["status"], "needs_review");
  await refused(m.complete(again), "DR410");
});

sqlTest("a late report for a job that is over is kept, and changes nothing else", async (m) => {
  const work = await m.submitRunning();
  await m.call("cancel_response_job", { p_job_id: work.id, p_as_service: true });
  const before = await m.row(work.id);
  await saveSteps(m, work, callStep("started"));
  assert.deepEqual(await m.row(work.id), before);
  assert.deepEqual(await stepLines(m, work.id), ["send uncertain"]);
});

sqlTest("a call without an effect is refused: nobody could say what to do with it", async (m) => {
  const work = await m.submitRunning();
  const step = callStep("started", { effect: null });
  await refused(saveSteps(m, work, step), "23514", "response_steps_call_has_effect");
});

sqlTest("a worker is given the steps that are done, in order, and no others", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(
    m,
    work,
    itemStep("mcp_list_tools"),
    callStep("finished"),
    callStep("failed", { item_id: "mcp_2" }),
    callStep("started", { item_id: "mcp_3", effect: "none" }),
  );
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
  const [again] = await m.claim();
  const steps = again?.["steps"];
  assert.ok(Array.isArray(steps));
  assert.deepEqual(
    steps.map(({ item_id, attempt }) => [item_id, attempt]),
    [["mcp_list_tools_1", 1], ["mcp_1", 1], ["mcp_2", 1]],
  );
});

sqlTest("a warning is noted once per attempt", async (m) => {
  const work = await m.submitRunning();
  const args = { p_job_id: work.id, p_attempt: 1, p_warning: "odd" };
  await m.call("warn_response_attempt", args);
  await m.call("warn_response_attempt", args);
  const [attempt] = await m.attempts(work.id);
  assert.deepEqual(attempt?.["warnings"], ["odd"]);
});
