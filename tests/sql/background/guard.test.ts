/** A run that asks in background, is answered by a worker, and continues in background. */
import assert from "node:assert/strict";
import { z } from "zod";
import { flagsOf } from "../../support/job-state.ts";
import {
  askStep,
  callStep,
  fenced,
  saveSteps,
  stepLines,
  stepsOf,
  view,
} from "../../support/ledger.ts";
import { type Machine, someError } from "../../support/machine.ts";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { knownWork, recorded } from "../../support/machine-shapes.ts";
import { refused } from "../../support/refused.ts";
import { routeOf } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

const yes = { mcpr_1: { approve: true } };

async function asked(m: Machine, args = {}): Promise<string> {
  const { id } = await m.submitBackground("resp_1", args);
  const job = await view(m, "continue_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_response_id: "resp_1",
    p_steps: [askStep()],
    p_answers: yes,
    p_usage: { total_tokens: 7 },
  });
  assert.equal(job.status, "queued");
  return id;
}

async function goOn(m: Machine, fence: AttemptKey, responseId: string | null = "resp_2") {
  return recorded.parse(
    await m.call("continue_in_background", {
      ...fenced(fence),
      p_response_id: responseId,
      p_request_id: "req_2",
    }),
  );
}

/** A job whose call got its yes, and whose second response is running. */
async function answered(m: Machine, responseId: string | null = "resp_2"): Promise<AttemptKey> {
  const id = await asked(m);
  const [work] = await m.claim();
  assert.equal(work?.attempt, 2);
  assert.equal(await saveSteps(m, { id, attempt: 2 }, callStep("started")), true);
  assert.equal((await goOn(m, { id, attempt: 2 }, responseId)).orphaned, false);
  return { id, attempt: 3 };
}

const outcomes = async (m: Machine, id: string) =>
  (await m.attempts(id)).map(({ mode, outcome }) => `${mode} ${outcome}`);

sqlTest(
  "a response that asks ends its attempt as continued, and its answers are kept",
  async (m) => {
    const id = await asked(m);
    assert.deepEqual(await outcomes(m, id), ["background continued"]);
    const [step] = await stepsOf(m, id);
    assert.deepEqual(
      [step?.["status"], step?.["answer"], step?.["answered_by"]],
      ["finished", { approve: true }, "guard"],
    );
    const [work] = await m.claim();
    assert.deepEqual(work?.["background"], { attempt: 1, response_id: "resp_1" });
    assert.deepEqual(work?.["usages"], [{ total_tokens: 7 }]);
    assert.equal(work?.["run_since"], 1);
    assert.equal(work?.failures, 0);
  },
);

sqlTest("a route that is not healthy is no place to go on in background", async (m) => {
  for (
    const [route, change] of [
      ["open", { breaker: "open", probe_at: m.clock.now }],
      ["paused", { paused_until: new Date(m.clock.now.getTime() + 1000), pause_reason: "x" }],
    ] as const
  ) {
    await asked(m, { route });
    await m.db.owner`update public.response_routes set ${
      m.db.owner(change)
    } where route = ${route}`;
    if (route === "paused") m.clock.advance(500);
    if (route === "paused") continue;
    const [work] = await m.claim();
    assert.equal(work?.["background"], null);
  }
});

sqlTest("the call's row goes along to the attempt whose response makes it", async (m) => {
  const { id, attempt } = await answered(m);
  const row = await m.row(id);
  assert.deepEqual([row["status"], row["attempt"], row["response_id"]], [
    "background",
    3,
    "resp_2",
  ]);
  assert.deepEqual(await outcomes(m, id), [
    "background continued",
    "synchronous continued",
    "background null",
  ]);
  assert.equal((await m.attempts(id))[2]?.["request_id"], "req_2");
  const call = (await stepsOf(m, id)).at(-1);
  assert.deepEqual([call?.["attempt"], call?.["status"]], [attempt, "started"]);
  const { work } = knownWork.parse(
    await m.call("claim_background_job", { p_response_id: "resp_2" }),
  );
  assert.equal(work?.["calls_started"], true);
});

sqlTest("its end finds the call, whatever it is", async (m) => {
  const done = await answered(m);
  await m.complete(done);
  assert.deepEqual(await stepLines(m, done.id), ["send finished", "send uncertain"]);
  const failed = await answered(m, "resp_3");
  const job = await view(m, "fall_back_response_job", { ...fenced(failed), p_error: someError });
  assert.equal(job.status, "needs_review");
  assert.deepEqual(await stepLines(m, failed.id), ["send finished", "send uncertain"]);
});

sqlTest("a worker that dies after it wrote the call leaves it uncertain", async (m) => {
  const id = await asked(m);
  await m.claim();
  await saveSteps(m, { id, attempt: 2 }, callStep("started"));
  m.clock.advance(31_000);
  await m.claim("worker-2");
  assert.equal((await m.row(id))["status"], "needs_review");
});

sqlTest(
  "one that dies before leaves the answers to the next, who may go on in background",
  async (m) => {
    const id = await asked(m);
    await m.claim();
    m.clock.advance(31_000);
    await m.claim("worker-2");
    m.clock.advance(301_000);
    const [work] = await m.claim("worker-2");
    assert.equal(work?.id, id);
    assert.deepEqual(work?.["background"], { attempt: 1, response_id: "resp_1" });
  },
);

sqlTest(
  "a webhook that is ahead of the worker moves the job, and the worker is no orphan",
  async (m) => {
    const id = await asked(m);
    await m.claim();
    await saveSteps(m, { id, attempt: 2 }, callStep("started"));
    const adopted = knownWork.parse(
      await m.call("adopt_background_response", {
        ...fenced({ id, attempt: 3 }),
        p_response_id: "resp_2",
      }),
    );
    assert.deepEqual([adopted.known, adopted.work?.attempt], [true, 3]);
    assert.equal((await goOn(m, { id, attempt: 2 })).orphaned, false);
    await m.complete({ id, attempt: 3 }, "resp_2");
    assert.equal((await goOn(m, { id, attempt: 2 })).orphaned, false);
    assert.equal((await goOn(m, { id, attempt: 2 }, "resp_other")).orphaned, true);
  },
);

sqlTest("but not where the worker goes on by itself", async (m) => {
  const id = await asked(m);
  await m.claim();
  await m.call("record_background_failure", { ...fenced({ id, attempt: 2 }), p_error: someError });
  const adopted = knownWork.parse(
    await m.call("adopt_background_response", {
      ...fenced({ id, attempt: 3 }),
      p_response_id: "resp_2",
    }),
  );
  assert.deepEqual(adopted, { known: false, work: null });
  assert.equal((await m.row(id))["fallback_reason"], someError.code);
});

sqlTest("an attempt that is over cannot continue", async (m) => {
  const id = await asked(m);
  await refused(
    m.call("continue_response_job", {
      ...fenced({ id, attempt: 1 }),
      p_response_id: "resp_1",
      p_steps: [],
      p_answers: {},
    }),
    "DR410",
  );
});

sqlTest("what ignores approval is treated as unguarded", async (m) => {
  const first = await m.submitBackground("resp_1", { route: "r" });
  await m.call("record_ignored_approval", {
    ...fenced({ id: first.id, attempt: 1 }),
    p_detail: "x",
  });
  const route = await routeOf(m, "r");
  assert.equal(route["ignores_approval"], true);
  const job = await view(m, "fall_back_response_job", {
    ...fenced({ id: first.id, attempt: 1 }),
    p_error: someError,
    p_unknown: true,
  });
  assert.equal(job.status, "needs_review");
  // The response is known, and the reason says what nobody knows about it.
  const reason = String((await m.row(first.id))["review_reason"]);
  assert.ok(reason.includes(someError.message) && !reason.includes("no response"), reason);
  assert.deepEqual((await m.attempts(first.id))[0]?.["warnings"], ["x"]);
});

sqlTest(
  "of what a response asks a person is asked what has no answer, and both are told",
  async (m) => {
    const { id } = await m.submitBackground("resp_1");
    const job = await view(m, "suspend_response_job", {
      ...fenced({ id, attempt: 1 }),
      p_response_id: "resp_1",
      p_steps: [askStep("mcpr_1"), askStep("mcpr_2")],
      p_answers: yes,
    });
    assert.equal(job.status, "awaiting_approval");
    assert.deepEqual((await stepsOf(m, id)).map(({ answered_by }) => answered_by), ["guard", null]);
    await view(m, "answer_response_approval", {
      p_job_id: id,
      p_approve: false,
      p_as_service: true,
    });
    const [work] = await m.claim();
    assert.deepEqual(
      z.array(z.object({ answered_by: z.string() })).parse(work?.["steps"]).map((step) =>
        step.answered_by
      ),
      ["guard", "service"],
    );
  },
);

sqlTest("while a call is uncertain nothing that was asked is answered", async (m) => {
  const { id } = await m.submitBackground("resp_1");
  const job = await view(m, "suspend_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_response_id: "resp_1",
    p_steps: [callStep("uncertain"), askStep("mcpr_1"), askStep("mcpr_2")],
    p_answers: yes,
  });
  assert.equal(job.status, "needs_review");
  assert.deepEqual(await stepLines(m, id), ["send uncertain", "send void", "send void"]);
});

/** A job that waits for a person, because nobody knows how its call ended. */
async function inDoubt(m: Machine): Promise<AttemptKey> {
  const fence = await answered(m);
  const held = await view(m, "fall_back_response_job", { ...fenced(fence), p_error: someError });
  assert.equal(held.status, "needs_review");
  return fence;
}

for (const ended of ["finished", "failed"] as const) {
  sqlTest(`a late report that a call in doubt ${ended} ends the review`, async (m) => {
    const fence = await inDoubt(m);
    assert.equal(await saveSteps(m, fence, callStep(ended)), false);
    assert.equal((await m.row(fence.id))["status"], "queued");
    assert.ok((await stepLines(m, fence.id)).includes(`send ${ended}`));
    assert.equal(await saveSteps(m, fence, callStep("finished")), false);
    assert.ok((await stepLines(m, fence.id)).includes(`send ${ended}`));
  });
}

sqlTest("a late report that says no more than the ledger leaves the review as it is", async (m) => {
  const fence = await inDoubt(m);
  for (const status of ["started", "uncertain"] as const) {
    assert.equal(await saveSteps(m, fence, callStep(status)), false);
    assert.equal((await m.row(fence.id))["status"], "needs_review");
  }
  assert.ok((await stepLines(m, fence.id)).includes("send uncertain"));
});

sqlTest("a late report of one of two calls in doubt leaves the other to a person", async (m) => {
  const fence = await inDoubt(m);
  await saveSteps(m, fence, callStep("started", { item_id: "another" }));
  await saveSteps(m, fence, callStep("finished"));
  assert.equal((await m.row(fence.id))["status"], "needs_review");
});

sqlTest(
  "of a job that is final a late report of a call in doubt is a flag, and the call is known",
  async (m) => {
    const fence = await inDoubt(m);
    await m.call("cancel_response_job", { p_job_id: fence.id, p_as_service: true });
    for (let time = 0; time < 2; time++) await saveSteps(m, fence, callStep("finished"));
    assert.deepEqual((await flagsOf(m.db.owner, fence.id)).map(({ code }) => code), ["late_call"]);
    assert.ok((await stepLines(m, fence.id)).includes("send finished"));
  },
);

sqlTest(
  "a late report that a call happened of which a person said that it did not holds the job",
  async (m) => {
    const fence = await inDoubt(m);
    await view(m, "resolve_response_job", {
      p_job_id: fence.id,
      p_outcome: "did_not_happen",
      p_as_service: true,
    });
    await m.claim();
    await saveSteps(m, fence, callStep("finished"));
    assert.equal((await m.row(fence.id))["status"], "needs_review");
    assert.ok((await stepLines(m, fence.id)).includes("send finished"));
  },
);
