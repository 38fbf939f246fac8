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
  calls: z.array(z.object({
    tool: z.string(),
    request_id: z.string(),
    digest: z.string(),
    may_still_be_made: z.boolean(),
  })).nullable(),
}));

const register = (m: Machine, wasMade: Record<string, number | null> = { default: 60_000 }) =>
  m.call("register_response_profiles", { p_names: ["default", "other"], p_was_made: wasMade });
const claim = async (m: Machine) => doubts.parse(await m.call("claim_calls_in_doubt"));
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

sqlTest("when no profile can find out any more, nothing is due", async (m) => {
  await register(m);
  await submitUncertain(m);
  await register(m, {});
  m.clock.advance(600_000);
  assert.deepEqual([await isDue(m), await claim(m)], [false, []]);
});

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
    const answered = await view(m, "resolve_response_job", {
      p_job_id: id,
      p_outcome: "did_not_happen",
      p_as_service: true,
      p_answered_by: "was_made",
      p_request_id: doubt?.calls?.[0]?.request_id ?? "",
      p_digest: doubt?.calls?.[0]?.digest ?? "",
    });
    const [step] = await stepsOf(m, id);
    assert.deepEqual([answered.status, step?.["answered_by"], step?.["status"]], [
      "queued",
      "was_made",
      "void",
    ]);
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

sqlTest("a deleted job leaves nothing to ask about", async (m) => {
  await register(m);
  const { id } = await submitUncertain(m);
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  await m.call("delete_response_job", { p_job_id: id, p_as_service: true });
  const rows = await m.db.admin`select from durable_responses.doubts`;
  assert.equal(rows.length, 0);
});
