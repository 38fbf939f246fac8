import assert from "node:assert/strict";
import { z } from "zod";
import { askStep, callStep, fenced, saveSteps, stepLines, view } from "../../support/ledger.ts";
import { knownWork, upstream } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function claim(machine: Machine, responseId: string) {
  return knownWork.parse(
    await machine.call("claim_background_job", { p_response_id: responseId, p_poll_ms: 30_000 }),
  );
}

async function adopt(machine: Machine, id: string, attempt: number, responseId: string) {
  return knownWork.parse(
    await machine.call("adopt_background_response", {
      p_job_id: id,
      p_attempt: attempt,
      p_response_id: responseId,
      p_poll_ms: 30_000,
    }),
  );
}

sqlTest(
  "a webhook finds its job by the response and keeps the poll away meanwhile",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    machine.clock.advance(29_000);
    const { known, work } = await claim(machine, "resp_1");
    assert.equal(known, true);
    assert.equal(work?.id, id);
    assert.equal(work?.attempt, 1);
    assert.equal(work?.response_id, "resp_1");
    const row = await machine.row(id);
    assert.equal(row["poll_at"].getTime() - machine.clock.now.getTime(), 30_000);
  },
);

sqlTest("a doubled webhook for a settled job is known, with nothing to do", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.complete({ id, attempt: 1 }, "resp_1");
  assert.deepEqual(await claim(machine, "resp_1"), { known: true, work: null });
});

sqlTest("a response that nobody recorded is unknown", async (machine) => {
  await machine.submitBackground("resp_1");
  assert.deepEqual(await claim(machine, "resp_2"), { known: false, work: null });
});

sqlTest(
  "a webhook that overtakes the recording gives the response to its attempt",
  async (machine) => {
    const { id } = await machine.submit({ mode: "background" });
    const { known, work } = await adopt(machine, id, 1, "resp_1");
    assert.equal(known, true);
    assert.equal(work?.id, id);
    assert.equal((await machine.row(id))["response_id"], "resp_1");
    assert.equal((await machine.attempts(id))[0]?.["response_id"], "resp_1");
  },
);

sqlTest(
  "adopting for a job that has moved on marks the response for cancelling",
  async (machine) => {
    const { id } = await machine.submit({ mode: "background" });
    await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
    assert.deepEqual(await adopt(machine, id, 1, "resp_1"), { known: true, work: null });
    assert.equal((await machine.attempts(id))[0]?.["cancel_pending"], true);
  },
);

sqlTest(
  "metadata that names no background attempt of ours is unknown and changes nothing",
  async (machine) => {
    const { id } = await machine.submit();
    const unknown = { known: false, work: null };
    assert.deepEqual(await adopt(machine, crypto.randomUUID(), 1, "resp_1"), unknown);
    assert.deepEqual(await adopt(machine, id, 1, "resp_1"), unknown);
    const [work] = await machine.claim();
    assert.deepEqual(await adopt(machine, id, work?.attempt ?? 0, "resp_1"), unknown);
  },
);

const abandoned = z.object({ known: z.boolean(), work: z.null(), abandoned: upstream });

/** What must be cancelled at OpenAI. */
async function pendingCancels(machine: Machine) {
  return z.array(upstream).parse(await machine.call("claim_pending_cancels"));
}

async function adoptLate(machine: Machine, id: string, attempt: number, responseId: string) {
  return abandoned.parse(
    await machine.call("adopt_background_response", {
      ...fenced({ id, attempt }),
      p_response_id: responseId,
    }),
  );
}

/** A job that was held for review while its worker sent a yes, and before it recorded the response, attempt 3. */
async function heldAfterItsYes(machine: Machine): Promise<string> {
  const { id } = await machine.submitBackground("resp_1");
  await view(machine, "continue_response_job", {
    ...fenced({ id, attempt: 1 }),
    p_response_id: "resp_1",
    p_steps: [askStep()],
    p_answers: { mcpr_1: { approve: true } },
  });
  await machine.claim();
  await saveSteps(machine, { id, attempt: 2 }, callStep("started"));
  await saveSteps(machine, { id, attempt: 1 }, callStep("finished", { item_id: "other" }));
  assert.equal((await machine.row(id))["status"], "needs_review");
  return id;
}

sqlTest(
  "a response whose attempt was ended before it was recorded belongs to the attempt that sent its yes",
  async (machine) => {
    const id = await heldAfterItsYes(machine);
    const { known, abandoned } = await adoptLate(machine, id, 3, "resp_2");
    assert.equal(known, true);
    const expected = { job_id: id, attempt: 2, response_id: "resp_2" };
    assert.deepEqual(abandoned, expected);
    assert.deepEqual(await pendingCancels(machine), [expected]);
    await saveSteps(machine, { id, attempt: abandoned.attempt }, callStep("finished"));
    assert.equal((await machine.row(id))["status"], "queued");
    assert.ok((await stepLines(machine, id)).includes("send finished"));
  },
);

sqlTest("so it does when the job has gone on since", async (machine) => {
  const id = await heldAfterItsYes(machine);
  await view(machine, "resolve_response_job", {
    p_job_id: id,
    p_outcome: "did_not_happen",
    p_as_service: true,
  });
  assert.deepEqual((await machine.claim()).map(({ attempt }) => attempt), [3]);
  const { abandoned } = await adoptLate(machine, id, 3, "resp_2");
  await saveSteps(machine, { id, attempt: abandoned.attempt }, callStep("finished"));
  assert.equal((await machine.row(id))["status"], "needs_review");
});

sqlTest("the response of a synchronous attempt is none of these", async (machine) => {
  const work = await machine.submitRunning();
  await machine.call("retry_response_later", {
    ...fenced(work),
    p_error: { code: "stream_cut", message: "Cannot read" },
  });
  machine.clock.advance(3_600_000);
  const [again] = await machine.claim();
  assert.ok(again);
  await machine.complete(again, "resp_done");
  assert.deepEqual(await adopt(machine, work.id, again.attempt, "resp_done"), {
    known: false,
    work: null,
  });
  assert.deepEqual(await pendingCancels(machine), []);
});

sqlTest("a response of a deleted job that nobody recorded is cancelled", async (machine) => {
  const { id } = await machine.submit({ mode: "background" });
  await machine.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  await machine.call("delete_response_job", { p_job_id: id, p_as_service: true });
  const expected = { job_id: id, attempt: 1, response_id: "resp_1" };
  assert.deepEqual((await adoptLate(machine, id, 1, "resp_1")).abandoned, expected);
  assert.deepEqual(await pendingCancels(machine), [expected]);
});
