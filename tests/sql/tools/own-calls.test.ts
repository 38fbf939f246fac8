/** Our calls in the ledger: one row from the request until the answer. */
import assert from "node:assert/strict";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import {
  callStep,
  fenced,
  held,
  saveSteps,
  type StepInput,
  stepLines,
  stepsOf,
  view,
} from "../../support/ledger.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const own = (status: string, more: StepInput = {}): StepInput => ({
  ...callStep("started"),
  item_id: "fc_1",
  kind: "function_call",
  run_by: "worker",
  item: { type: "function_call", id: "fc_1", call_id: "call_1" },
  status,
  ...more,
});
const error = { code: "stream_cut", message: "Cannot read" };

for (
  const [effect, uncertain, becomes] of [
    ["none", "review", "waiting"],
    ["idempotent", "review", "waiting"],
    ["once", "retry", "waiting"],
    ["once", "review", "uncertain"],
  ] as const
) {
  sqlTest(
    `a call that is ${effect} and cut off under ${uncertain} becomes ${becomes}`,
    async (m) => {
      const work = await m.submitRunning({ on_uncertain: uncertain });
      await saveSteps(m, work, own("started", { effect }));
      const job = await view(m, "retry_response_later", { ...fenced(work), p_error: error });
      assert.equal(job.status, becomes === "waiting" ? "queued" : "needs_review");
      assert.deepEqual(await stepLines(m, work.id), [`send ${becomes}`]);
    },
  );
}

sqlTest("the next worker is given the very call, and makes it as the same row", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, own("started", { effect: "none" }));
  await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
  const [again] = await m.claim();
  assert.ok(again);
  const [given, ...more] = Object(again).open_calls;
  assert.deepEqual([given.attempt, given.item_id, given.item.call_id, more.length], [
    1,
    "fc_1",
    "call_1",
    0,
  ]);
  await saveSteps(m, again, own("started", { effect: "none", taken_from: given.attempt }));
  await saveSteps(m, again, own("finished", { effect: "none", output: "done" }));
  const [row, ...rest] = await stepsOf(m, work.id);
  assert.deepEqual(
    [row?.["number"], row?.["attempt"], row?.["status"], row?.["output"], rest.length],
    [given.number, 2, "finished", "done", 0],
  );
});

sqlTest(
  "what a person says did not happen waits to be made; a late report that it did is taken",
  async (m) => {
    const work = await m.submitRunning();
    await saveSteps(m, work, own("started"));
    await view(m, "retry_response_later", { ...fenced(work), p_error: error });
    const job = await view(m, "resolve_response_job", {
      p_job_id: work.id,
      p_outcome: "did_not_happen",
      p_as_service: true,
    });
    assert.equal(job.status, "queued");
    assert.deepEqual(await stepLines(m, work.id), ["send waiting"]);
    assert.equal(await saveSteps(m, work, own("finished", { output: "sent" })), false);
    assert.deepEqual(await stepLines(m, work.id), ["send finished"]);
  },
);

sqlTest(
  "a call that was handed out is answered once, by its call_id, and the same again is no news",
  async (m) => {
    const owner = await m.db.createUser();
    const work = await m.submitRunning({ owner_id: owner });
    const job = await view(m, "suspend_response_job", {
      ...fenced(work),
      p_response_id: "resp_1",
      p_steps: [own("waiting", { run_by: "caller" })],
    });
    assert.equal(job.status, "awaiting_tool_output");
    const answer = (more = {}) =>
      view(m, "answer_response_tool_call", {
        p_job_id: work.id,
        p_call_id: "call_1",
        p_output: "open",
        p_owner_id: owner,
        ...more,
      });
    const other = await m.db.createUser();
    await refused(answer({ p_owner_id: other }), "DR404");
    await refused(answer({ p_call_id: "call_2" }), "DR409");
    assert.equal((await answer()).status, "queued");
    assert.equal((await answer()).status, "queued");
    await refused(answer({ p_output: "shut" }), "DR409");
    const [row] = await stepsOf(m, work.id);
    assert.deepEqual([row?.["status"], row?.["output"], row?.["answered_by"]], [
      "finished",
      "open",
      owner,
    ]);
    const find = (p_owner_id: string) =>
      m.call("find_response_tool_calls", { p_call_ids: ["call_1"], p_owner_id });
    assert.deepEqual(await find(owner), [
      { call_id: "call_1", job_id: work.id, waits: false, numbers: [1] },
    ]);
    assert.deepEqual(await find(other), []);
  },
);

sqlTest(
  "an answer is for the call of its own kind, and has what OpenAI needs of that kind",
  async (m) => {
    const work = await m.submitRunning();
    const shared = { run_by: "caller", effect: "once" } as const;
    const of = (kind: string, item_id: string, more = {}) =>
      own("waiting", {
        ...shared,
        kind,
        item_id,
        item: { type: kind, id: item_id, call_id: "call_1", ...more },
      });
    await view(m, "suspend_response_job", {
      ...fenced(work),
      p_response_id: "resp_1",
      // An API may give two calls one id.
      p_steps: [
        of("shell_call", "sh_1"),
        of("computer_call", "cu_1", { pending_safety_checks: [{ id: "a" }, { id: "b" }] }),
      ],
    });
    const answer = (p_kind: string, p_output: string) =>
      view(m, "answer_response_tool_call", {
        p_job_id: work.id,
        p_call_id: "call_1",
        p_kind,
        p_output,
        p_as_service: true,
      });
    const seen = (...ids: string[]) =>
      JSON.stringify({ acknowledged_safety_checks: ids.map((id) => ({ id })) });
    await refused(answer("function_call", "text"), "DR400");
    await refused(answer("shell_call", "no JSON"), "DR400");
    await refused(answer("shell_call", "[]"), "DR400");
    await refused(answer("computer_call", seen("a")), "DR400");
    assert.equal((await answer("computer_call", seen("b", "a"))).status, "awaiting_tool_output");
    assert.equal((await answer("computer_call", seen("b", "a"))).status, "awaiting_tool_output");
    assert.equal((await answer("shell_call", '{"output":[]}')).status, "queued");
    await refused(answer("shell_call", "{}"), "DR409");
  },
);

sqlTest(
  "while it is handed out the deadline stands still, and it expires with its own error",
  async (m) => {
    const work = await m.submitRunning({ approval_ms: 60_000, deadline_ms: 10_000 });
    await view(m, "suspend_response_job", {
      ...fenced(work),
      p_response_id: "resp_1",
      p_steps: [own("waiting", { run_by: "caller" })],
    });
    m.clock.advance(30_000);
    await m.claim();
    assert.equal((await m.row(work.id))["status"], "awaiting_tool_output");
    m.clock.advance(31_000);
    await m.claim();
    const row = await m.row(work.id);
    assert.deepEqual([row["status"], row["error_code"]], ["failed", "tool_output_expired"]);
  },
);

sqlTest(
  "a retry takes along what is done, and keeps the first job's id for idempotency keys",
  async (m) => {
    const work = await m.submitRunning();
    await saveSteps(
      m,
      work,
      own("finished", { output: "sent" }),
      own("waiting", {
        item_id: "fc_2",
        item: { type: "function_call", id: "fc_2", call_id: "call_2" },
      }),
    );
    await m.fail(work);
    const retried = Object(
      await m.call("retry_response_job", { p_job_id: work.id, p_as_service: true }),
    );
    const [again] = await m.claim();
    assert.equal(again?.id, retried.job.id);
    assert.equal(Object(again).first_id, work.id);
    assert.deepEqual(Object(again).open_calls, [], "what was not made is asked for again");
    assert.deepEqual(await stepLines(m, retried.job.id), ["send finished"]);
  },
);

sqlTest("rounds count over all attempts of a job, whatever became of them", async (m) => {
  const release = (key: AttemptKey) =>
    m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(key)] });
  const work = await m.submitRunning();
  await saveSteps(m, work, own("finished", { effect: "none", round: 1 }));
  await saveSteps(m, work, own("waiting", { effect: "none", item_id: "fc_2", round: 2 }));
  await release(work);
  const [again] = await m.claim();
  assert.equal(again?.["rounds"], 2);
  assert.ok(again);
  // Whoever takes a call over does not say again which round asked for it.
  const taken = { effect: "none", item_id: "fc_2", taken_from: work.attempt } as const;
  await saveSteps(m, again, own("started", taken));
  await release(again);
  const [third] = await m.claim();
  assert.equal(third?.["rounds"], 2);
});
