/** A late report of a call while somebody is asked: nobody may say yes without knowing about it. */
import assert from "node:assert/strict";
import {
  askStep,
  awaitApproval,
  callStep,
  fenced,
  held,
  saveSteps,
  type StepInput,
  stepLines,
  stepsOf,
  submitUncertain,
  view,
} from "../../support/ledger.ts";
import { type Machine, someError } from "../../support/machine.ts";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const answer = (m: Machine, id: string, requestId = "mcpr_2") =>
  view(m, "answer_response_approval", {
    p_job_id: id,
    p_approve: true,
    p_request_id: requestId,
    p_as_service: true,
  });

const resolve = (m: Machine, id: string, outcome: string) =>
  view(m, "resolve_response_job", { p_job_id: id, p_outcome: outcome, p_as_service: true });

const statusOf = async (m: Machine, id: string) => (await m.row(id))["status"];

/** The requests with a yes that the next run would send. */
async function yesesOfNextRun(m: Machine): Promise<unknown[]> {
  const [work] = await m.claim("worker-3");
  const steps = work?.["steps"];
  assert.ok(Array.isArray(steps));
  return steps.filter(({ kind }) => kind === "mcp_approval_request").map(({ item_id }) => item_id);
}

/** A job whose next run asks again for a call that a person said was not made. @returns the call's attempt */
async function askedAgain(m: Machine, ...asked: StepInput[]): Promise<AttemptKey> {
  const first = await submitUncertain(m);
  assert.equal((await resolve(m, first.id, "did_not_happen")).status, "queued");
  const [again] = await m.claim("worker-2");
  assert.ok(again);
  await awaitApproval(m, again, ...(asked.length > 0 ? asked : [askStep("mcpr_2")]));
  return first;
}

/** A job whose first attempt is handed over to a second, which ends with `steps`. @returns the first attempt */
async function handedOver(m: Machine, args: object, ...steps: StepInput[]): Promise<AttemptKey> {
  const first = await m.submitRunning({ ...args });
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(first)] });
  const [again] = await m.claim("worker-2");
  assert.ok(again);
  await awaitApproval(m, again, ...steps);
  return first;
}

const callersCall: StepInput = {
  item_id: "fc_1",
  kind: "function_call",
  status: "waiting",
  effect: "once",
  tool: "open_door",
  run_by: "caller",
  arguments: "{}",
  call_key: "open_door",
  item: { type: "function_call", id: "fc_1", call_id: "call_1" },
};

sqlTest("a call that happened after all stops a person from saying yes to it again", async (m) => {
  const first = await askedAgain(m);
  assert.equal(await statusOf(m, first.id), "awaiting_approval");
  await saveSteps(m, first, callStep("finished"));
  assert.equal(await statusOf(m, first.id), "needs_review");
  assert.match((await m.row(first.id))["review_reason"], /reported late that it had called send/);
  assert.deepEqual(await stepLines(m, first.id), ["send finished", "send void"]);
  await refused(answer(m, first.id), "DR409");
  assert.equal((await resolve(m, first.id, "happened")).status, "queued");
  assert.deepEqual(await yesesOfNextRun(m), []);
});

sqlTest("nor is a yes sent that a person had just given", async (m) => {
  const first = await askedAgain(m);
  assert.equal((await answer(m, first.id)).status, "queued");
  await saveSteps(m, first, callStep("finished"));
  assert.equal(await statusOf(m, first.id), "needs_review");
  const [, request] = await stepsOf(m, first.id);
  assert.deepEqual([request?.["status"], request?.["answer"]], ["void", { approve: true }]);
  await resolve(m, first.id, "happened");
  assert.deepEqual(await yesesOfNextRun(m), []);
});

sqlTest("a yes to another tool stays, and so does one that a call has used", async (m) => {
  const other = { ...askStep("mcpr_3"), tool: "archive" };
  const first = await askedAgain(m, askStep("mcpr_2"), other);
  await answer(m, first.id, "mcpr_2");
  await answer(m, first.id, "mcpr_3");
  const [used] = await m.claim("worker-3");
  assert.ok(used);
  const item = { type: "mcp_call", id: "mcp_9", approval_request_id: "mcpr_2" };
  await saveSteps(m, used, callStep("finished", { item_id: "mcp_9", item }));
  await saveSteps(m, first, callStep("finished"));
  await resolve(m, first.id, "happened");
  assert.deepEqual(await yesesOfNextRun(m), ["mcpr_2", "mcpr_3"]);
});

sqlTest("a request of the same id that an earlier response made is another one", async (m) => {
  const other = { ...askStep("mcpr_3"), tool: "archive" };
  const first = await askedAgain(m, askStep("mcpr_2"), other);
  await answer(m, first.id, "mcpr_2");
  await answer(m, first.id, "mcpr_3");
  // It names the request of its own run, which this ledger does not have any more.
  const item = { type: "mcp_call", id: "mcp_1", approval_request_id: "mcpr_2" };
  await saveSteps(m, first, callStep("finished", { item }));
  await resolve(m, first.id, "happened");
  assert.deepEqual(await yesesOfNextRun(m), ["mcpr_3"]);
});

sqlTest("a call in doubt that is reported while a person is asked is asked about", async (m) => {
  const first = await handedOver(m, {}, { ...askStep("mcpr_2"), tool: "archive" });
  await saveSteps(m, first, callStep("started"));
  assert.equal(await statusOf(m, first.id), "needs_review");
  assert.deepEqual(await stepLines(m, first.id), ["archive void", "send uncertain"]);
  assert.equal((await resolve(m, first.id, "did_not_happen")).status, "queued");
});

sqlTest("the caller is asked again after the review, for what waits", async (m) => {
  const first = await handedOver(m, {}, callersCall);
  assert.equal(await statusOf(m, first.id), "awaiting_tool_output");
  await saveSteps(m, first, callStep("started"));
  assert.equal(await statusOf(m, first.id), "needs_review");
  await resolve(m, first.id, "did_not_happen");
  const [again] = await m.claim("worker-3");
  const open = again?.["open_calls"];
  assert.ok(Array.isArray(open));
  assert.deepEqual(open.map(({ item_id }) => item_id), ["fc_1"]);
});

sqlTest("a deadline that is stopped stays stopped from the one wait to the other", async (m) => {
  const first = await askedAgain(m);
  const before = await m.row(first.id);
  m.clock.advance(60_000);
  await saveSteps(m, first, callStep("finished"));
  const after = await m.row(first.id);
  assert.equal(after["status"], "needs_review");
  assert.equal(after["deadline"], null);
  assert.equal(after["deadline_left_ms"], before["deadline_left_ms"]);
});

sqlTest("where calls may be made twice a late report stops nobody", async (m) => {
  const first = await handedOver(m, { on_uncertain: "retry" }, askStep("mcpr_2"));
  await saveSteps(m, first, callStep("finished"));
  assert.equal(await statusOf(m, first.id), "awaiting_approval");
});

for (
  const [code, status] of [["repeated_call", "needs_review"], [someError.code, "queued"]] as const
) {
  sqlTest(`a late report makes a job that is held for ${code} ${status}`, async (m) => {
    const work = await m.submitRunning();
    await saveSteps(m, work, callStep("started"));
    await view(m, "quarantine_response_job", { ...fenced(work), p_error: { ...someError, code } });
    await saveSteps(m, work, callStep("finished"));
    assert.equal(await statusOf(m, work.id), status);
    assert.deepEqual(await stepLines(m, work.id), ["send finished"]);
  });
}

sqlTest("what an attempt was about to do when it had ended was not done", async (m) => {
  const work = await m.submitRunning();
  const announce = () =>
    m.call("save_response_steps", {
      ...fenced(work),
      p_steps: [callStep("started")],
      p_announced: true,
    });
  m.clock.advance(31_000);
  await m.claim("worker-2");
  const before = await statusOf(m, work.id);
  assert.equal(await announce(), false);
  assert.deepEqual(await stepLines(m, work.id), []);
  assert.equal(await statusOf(m, work.id), before);
});

sqlTest("a worker that announced a call and did not send it ends the doubt", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"));
  m.clock.advance(31_000);
  await m.claim("worker-2");
  assert.equal(await statusOf(m, work.id), "needs_review");
  await saveSteps(m, work, callStep("void"));
  assert.equal(await statusOf(m, work.id), "queued");
  assert.deepEqual(await stepLines(m, work.id), ["send void"]);
});

for (const [yes, args] of [["mcpr_1", '{"to":"a"}'], [null, '{"to":']] as const) {
  sqlTest(
    `a late call that names ${yes ?? "no yes"} has ${
      yes === null ? "its own" : "the approved"
    } arguments`,
    async (m) => {
      const work = await m.submitRunning();
      await saveSteps(m, work, callStep("started"));
      await view(m, "quarantine_response_job", { ...fenced(work), p_error: someError });
      const item = { type: "mcp_call", id: "mcp_1", approval_request_id: yes, arguments: '{"to":' };
      await saveSteps(m, work, callStep("finished", { item }));
      const [step] = await m.db.owner`
      select arguments, item ->> 'arguments' as told from public.response_steps where job_id = ${work.id}`;
      assert.deepEqual({ ...step }, { arguments: '{"to":"a"}', told: args });
    },
  );
}

sqlTest(
  "a late call that names no yes is the one in doubt, if there is one such call",
  async (m) => {
    const late = (id: string) => ({
      ...callStep("finished"),
      item_id: id,
      item: { type: "mcp_call", id },
    });
    const held = async (...steps: StepInput[]) => {
      const work = await m.submitRunning();
      await saveSteps(m, work, callStep("started"));
      await view(m, "quarantine_response_job", { ...fenced(work), p_error: someError });
      await saveSteps(m, work, ...steps);
      return [await statusOf(m, work.id), ...await stepLines(m, work.id)];
    };
    assert.deepEqual(await held(late("mcp_x"), late("mcp_y")), [
      "needs_review",
      "send uncertain",
      "send finished",
      "send finished",
    ]);
    assert.deepEqual(await held({ ...late("mcp_x"), call_key: "send b" }), [
      "needs_review",
      "send uncertain",
      "send finished",
    ]);
    assert.deepEqual(await held(late("mcp_x")), ["queued", "send finished"]);
  },
);
