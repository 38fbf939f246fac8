import assert from "node:assert/strict";
import { knownWork } from "../../support/machine-shapes.ts";
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
