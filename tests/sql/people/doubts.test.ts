/** Which calls in doubt a profile is asked about, when, and how often. */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  callStep,
  fenced,
  saveSteps,
  stepsOf,
  submitUncertain,
  view,
} from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const doubts = z.array(z.object({
  id: z.uuid(),
  profile: z.string(),
  owner_id: z.uuid().nullable(),
  token: z.uuid(),
  calls: z.array(z.object({
    tool: z.string(),
    number: z.int(),
    started_at: z.string(),
    may_still_be_made: z.boolean(),
  })).nullable(),
}));

type Doubt = z.infer<typeof doubts>[number];

const register = (m: Machine, wasMade: Record<string, number | null> = { default: 60_000 }) =>
  m.call("register_response_profiles", { p_names: ["default", "other"], p_was_made: wasMade });
const claim = async (m: Machine) =>
  doubts.parse(await m.call("claim_calls_in_doubt", { p_profiles: ["default"] }));
const answer = (m: Machine, doubt: Doubt | undefined, happened: boolean) =>
  m.call("answer_call_in_doubt", {
    p_job_id: doubt?.id ?? "",
    p_token: doubt?.token ?? "",
    p_number: doubt?.calls?.[0]?.number ?? 0,
    p_happened: happened,
  });
const isDue = (m: Machine) => m.call("response_work_due");

sqlTest(
  "a job is asked about when its time has come, five times, with growing delay",
  async (m) => {
    await register(m);
    const { id } = await submitUncertain(m);
    assert.deepEqual([await claim(m), await isDue(m)], [[], false]);
    m.clock.advance(60_000);
    for (const minutes of [1, 2, 4, 8, 16]) {
      assert.equal(await isDue(m), true);
      const [doubt, ...more] = await claim(m);
      assert.deepEqual([doubt?.id, doubt?.calls?.map(({ tool }) => tool), more], [
        id,
        ["send"],
        [],
      ]);
      assert.deepEqual([await claim(m), await isDue(m)], [[], false]);
      m.clock.advance(minutes * 60_000);
    }
    assert.deepEqual([await claim(m), await isDue(m)], [[], false]);
    assert.equal((await m.row(id))["status"], "needs_review");
  },
);

sqlTest("only profiles that can find out are asked", async (m) => {
  await register(m, { other: 1 });
  await submitUncertain(m);
  m.clock.advance(600_000);
  assert.deepEqual([await claim(m), await isDue(m)], [[], false]);
});

sqlTest("nothing is due as long as no profile can find out", async (m) => {
  await register(m);
  await submitUncertain(m);
  // A function of an earlier deployment starts, and then a new one.
  await register(m, {});
  m.clock.advance(600_000);
  assert.equal(await isDue(m), false);
  await register(m);
  assert.equal(await isDue(m), true);
  const others = await m.call("claim_calls_in_doubt", { p_profiles: ["other"] });
  assert.deepEqual([others, (await claim(m)).length], [[], 1]);
});

sqlTest(
  "jobs that were held before a profile could find out, or before any was registered, are asked about",
  async (m) => {
    const early = await submitUncertain(m);
    m.clock.advance(120_000);
    assert.equal(await isDue(m), true);
    await register(m, {});
    assert.equal(await isDue(m), false);
    const late = await submitUncertain(m);
    m.clock.advance(60_000);
    await register(m);
    assert.deepEqual(
      (await claim(m)).map(({ id }) => id).toSorted(),
      [early.id, late.id].toSorted(),
    );
  },
);

sqlTest("once a person has answered, nobody is asked", async (m) => {
  await register(m);
  const { id } = await submitUncertain(m);
  await view(m, "resolve_response_job", {
    p_job_id: id,
    p_outcome: "happened",
    p_as_service: true,
  });
  m.clock.advance(60_000);
  assert.deepEqual(await claim(m), []);
});

sqlTest(
  "an answer in the profile's name says so, and a held job is asked about anew",
  async (m) => {
    await register(m);
    const { id } = await submitUncertain(m);
    m.clock.advance(60_000);
    const [doubt] = await claim(m);
    assert.equal(await answer(m, doubt, false), "queued");
    const [step] = await stepsOf(m, id);
    assert.deepEqual([step?.["answered_by"], step?.["status"]], ["was_made", "void"]);
    const [again] = await m.claim();
    assert.ok(again);
    await saveSteps(m, again, callStep("started", { item_id: "mcp_2" }));
    await view(m, "retry_response_later", {
      ...fenced(again),
      p_error: { code: "stream_cut", message: "Cannot read" },
    });
    m.clock.advance(60_000);
    assert.equal((await claim(m)).length, 1);
  },
);

sqlTest("a review of a repeated call is for a person: that it was made is no news", async (m) => {
  await register(m);
  const work = await m.submitRunning();
  await view(m, "quarantine_response_job", {
    ...fenced(work),
    p_error: { code: "repeated_call", message: "Cannot continue: the model insists on a call" },
    p_steps: [callStep("uncertain")],
  });
  m.clock.advance(600_000);
  assert.deepEqual(await claim(m), []);
});

sqlTest("a call of a background response whose id is unknown may still be made", async (m) => {
  await register(m);
  const work = await m.submitRunning();
  await m.call("save_response_steps", {
    ...fenced(work),
    p_steps: [callStep("started")],
    p_announced: true,
    p_continuing: true,
  });
  m.clock.advance(30_000);
  await m.claim();
  await view(m, "fall_back_response_job", {
    p_job_id: work.id,
    p_attempt: work.attempt + 1,
    p_error: { code: "background_unrecorded", message: "Cannot tell" },
    p_unknown: true,
  });
  m.clock.advance(60_000);
  assert.deepEqual((await claim(m)).map(({ calls }) => calls?.[0]?.may_still_be_made), [true]);
});

sqlTest(
  "a call of a background response that OpenAI does not have may still be made",
  async (m) => {
    await register(m);
    const work = await m.submitRunning();
    await m.call("save_response_steps", {
      ...fenced(work),
      p_steps: [callStep("started")],
      p_announced: true,
      p_continuing: true,
    });
    await m.call("continue_in_background", { ...fenced(work), p_response_id: "resp_nobody" });
    await view(m, "fall_back_response_job", {
      p_job_id: work.id,
      p_attempt: work.attempt + 1,
      p_error: { code: "background_expired", message: "Cannot find it" },
      p_unknown: true,
    });
    // OpenAI does not have it, so there is nothing to cancel.
    await m.call("confirm_upstream_cancel", { p_job_id: work.id, p_attempt: work.attempt + 1 });
    m.clock.advance(60_000);
    const [doubt] = await claim(m);
    assert.deepEqual(doubt?.calls?.map(({ may_still_be_made: may }) => may), [true]);
    assert.equal(await answer(m, doubt, false), null);
  },
);

sqlTest(
  "a call of a run that was held while its yes was on its way may still be made",
  async (m) => {
    await register(m);
    const first = await m.submitRunning();
    m.clock.advance(30_000);
    let [second] = await m.claim("worker-2");
    if (second === undefined) {
      // It is retried after a random pause.
      m.clock.advance(10_000);
      [second] = await m.claim("worker-2");
    }
    assert.ok(second);
    await m.call("save_response_steps", {
      ...fenced(second),
      p_steps: [callStep("started", { item_id: "mcp_2" })],
      p_announced: true,
      p_continuing: true,
    });
    // The first worker reports late what it did: the job is held at once.
    await saveSteps(m, first, callStep("finished"));
    assert.equal((await m.row(first.id))["status"], "needs_review");
    m.clock.advance(60_000);
    const [doubt] = await claim(m);
    assert.deepEqual(doubt?.calls?.map(({ may_still_be_made: may }) => may), [true]);
    assert.equal(await answer(m, doubt, false), null);
    // The second worker's response is known now, and is cancelled. Until that is confirmed, nothing changes.
    await m.call("continue_in_background", {
      p_job_id: second.id,
      p_attempt: second.attempt,
      p_response_id: "resp_2",
    });
    m.clock.advance(60_000);
    const [again] = await claim(m);
    assert.deepEqual(again?.calls?.map(({ may_still_be_made: may }) => may), [true]);
    await m.call("confirm_upstream_cancel", { p_job_id: second.id, p_attempt: second.attempt + 1 });
    assert.equal(await answer(m, again, false), "queued");
  },
);

sqlTest("an answer to an earlier asking is refused, whatever has happened since", async (m) => {
  await register(m);
  const { id } = await submitUncertain(m);
  m.clock.advance(60_000);
  const [first] = await claim(m);
  m.clock.advance(60_000);
  const [second] = await claim(m);
  assert.equal(await answer(m, first, false), null);
  // A person answers, the next run makes the call again, and is in doubt about it.
  await view(m, "resolve_response_job", {
    p_job_id: id,
    p_outcome: "did_not_happen",
    p_as_service: true,
  });
  assert.equal(await answer(m, second, false), null);
  const [again] = await m.claim();
  assert.ok(again);
  await saveSteps(m, again, callStep("started"));
  await view(m, "retry_response_later", {
    ...fenced(again),
    p_error: { code: "stream_cut", message: "Cannot read" },
  });
  assert.equal(await answer(m, second, false), null);
  assert.equal((await m.row(id))["status"], "needs_review");
});

sqlTest("what was asked about an earlier review is not asked about a repeated call", async (m) => {
  await register(m);
  const { id } = await submitUncertain(m);
  m.clock.advance(60_000);
  assert.equal(await answer(m, (await claim(m))[0], true), "queued");
  const [again] = await m.claim();
  assert.ok(again);
  await view(m, "quarantine_response_job", {
    ...fenced(again),
    p_error: { code: "repeated_call", message: "Cannot continue: the model insists on a call" },
    p_steps: [callStep("uncertain", { item_id: "mcp_2" })],
  });
  m.clock.advance(600_000);
  assert.deepEqual([await claim(m), (await m.row(id))["status"]], [[], "needs_review"]);
});

sqlTest("a job that is held again and again is left to a person", async (m) => {
  await register(m);
  let job = await submitUncertain(m);
  for (const asked of [true, true, true, false]) {
    m.clock.advance(120_000);
    const [doubt] = await claim(m);
    assert.equal(doubt !== undefined, asked);
    if (doubt === undefined) break;
    assert.equal(await answer(m, doubt, false), "queued");
    const [again] = await m.claim();
    assert.ok(again);
    job = again;
    await saveSteps(m, again, callStep("started"));
    await view(m, "retry_response_later", {
      ...fenced(again),
      p_error: { code: "stream_cut", message: "Cannot read" },
    });
  }
  assert.deepEqual([(await m.row(job.id))["status"], await isDue(m)], ["needs_review", false]);
});

sqlTest("of two calls with the same id, each has its own answer", async (m) => {
  await register(m);
  const first = await m.submitRunning();
  await saveSteps(m, first, callStep("started"), callStep("started", { item_id: "mcp_2" }));
  await view(m, "retry_response_later", {
    ...fenced(first),
    p_error: { code: "stream_cut", message: "Cannot read" },
  });
  m.clock.advance(60_000);
  const [doubt] = await claim(m);
  assert.equal(doubt?.calls?.length, 2);
  assert.equal(await answer(m, doubt, true), "needs_review");
  assert.deepEqual((await stepsOf(m, first.id)).map(({ status }) => status), [
    "finished",
    "uncertain",
  ]);
});

sqlTest(
  "a call that is known from a late report may have been made since its attempt started",
  async (m) => {
    await register(m);
    const startedAt = m.clock.now;
    const first = await m.submitRunning();
    m.clock.advance(30_000);
    await m.claim("worker-2");
    m.clock.advance(5_000);
    await saveSteps(m, first, callStep("started"));
    m.clock.advance(60_000);
    const [doubt] = await claim(m);
    assert.deepEqual(doubt?.calls?.map(({ started_at: at }) => new Date(at)), [startedAt]);
  },
);

sqlTest(
  "the review of a retry is asked about, and only that the call was made counts",
  async (m) => {
    await register(m);
    const { id } = await submitUncertain(m);
    await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
    const retried = z.object({ job: z.object({ id: z.uuid() }) }).parse(
      await m.call("retry_response_job", { p_job_id: id, p_as_service: true }),
    );
    m.clock.advance(60_000);
    const [doubt] = await claim(m);
    assert.deepEqual([doubt?.id, doubt?.calls?.map(({ may_still_be_made: may }) => may)], [
      retried.job.id,
      [true],
    ]);
    assert.equal(await answer(m, doubt, false), null);
    assert.equal(await answer(m, doubt, true), "queued");
  },
);

sqlTest("a deleted job leaves nothing to ask about", async (m) => {
  await register(m);
  const { id } = await submitUncertain(m);
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  await m.call("delete_response_job", { p_job_id: id, p_as_service: true });
  const rows = await m.db.admin`select from durable_responses.doubts`;
  assert.equal(rows.length, 0);
});
