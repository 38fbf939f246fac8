import assert from "node:assert/strict";
import { callStep, itemStep, saveSteps, type StepInput } from "../../support/ledger.ts";
import type { JobWork } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const fullMs = 90_000;

async function release(m: Machine, work: JobWork, fullLife = true) {
  await m.call("release_response_jobs", {
    p_worker: "worker-1",
    p_jobs: [{ id: work.id, attempt: work.attempt, full_life: fullLife }],
    p_full_life_ms: fullMs,
  });
}

/** A worker's whole life, in which the run finishes `done`. */
async function life(m: Machine, ...done: StepInput[]) {
  const [work] = await m.claim();
  assert.ok(work, "the job was to be claimed");
  if (done.length > 0) await saveSteps(m, work, ...done);
  await release(m, work);
  return await m.row(work.id);
}

const call = (id: string) => callStep("finished", { item_id: id, call_key: id });

sqlTest(
  "two whole lives in a row that finished nothing fail the job, with what to do",
  async (m) => {
    await m.submit();
    assert.equal((await life(m))["status"], "queued");
    const row = await life(m);
    assert.deepEqual([row["status"], row["error_code"]], ["failed", "budget_exceeded"]);
    assert.match(row["error_hint"], /npx durable-responses worker/);
    assert.equal(row["failures"], 0);
  },
);

sqlTest("a life that was not whole does not count, but the next one is to be", async (m) => {
  const work = await m.submitRunning();
  await release(m, work, false);
  const row = await m.row(work.id);
  assert.deepEqual([row["stalled_lives"], row["min_life_ms"]], [0, String(fullMs)]);
  const short = await m.call("claim_response_work", {
    p_worker: "w",
    p_limit: 1,
    p_life_ms: fullMs - 1,
  });
  assert.deepEqual(short, { jobs: [], spare_workers: 6 });
  assert.equal((await life(m))["status"], "queued");
  assert.equal((await life(m))["status"], "failed");
});

sqlTest("progress starts the count anew", async (m) => {
  await m.submit();
  await life(m);
  const row = await life(m, call("mcp_1"));
  assert.deepEqual([row["stalled_lives"], row["min_life_ms"]], [0, "0"]);
  assert.equal((await life(m))["status"], "queued");
});

for (const kind of ["reasoning", "message"]) {
  sqlTest(`${kind} is made anew by the next run, so it is no progress`, async (m) => {
    await m.submit();
    await life(m, itemStep(kind));
    assert.equal((await life(m, itemStep(kind)))["status"], "failed");
  });
}

sqlTest("a list of tools is progress the first time only", async (m) => {
  await m.submit();
  const list = itemStep("mcp_list_tools", {
    item: { type: "mcp_list_tools", id: "l", server_label: "mailbox" },
  });
  assert.equal((await life(m, list))["stalled_lives"], 0);
  assert.equal((await life(m, list))["stalled_lives"], 1);
  assert.equal((await life(m, list))["status"], "failed");
});

sqlTest("while a worker with no wall clock is about, the job waits for it", async (m) => {
  await m.call("claim_response_work", { p_worker: "p", p_limit: 1, p_kind: "process" });
  await m.submit();
  await life(m);
  const row = await life(m);
  assert.deepEqual([row["status"], row["min_life_ms"]], ["queued", "9223372036854775807"]);
  const edge = { p_worker: "w", p_limit: 1, p_life_ms: 400_000, p_full_life_ms: fullMs };
  assert.deepEqual(await m.call("claim_response_work", edge), { jobs: [], spare_workers: 5 });
  assert.equal((await m.claim("p")).length, 1);
});

sqlTest(
  "a worker with no wall clock that has been gone for a minute is not waited for",
  async (m) => {
    await m.call("claim_response_work", { p_worker: "p", p_limit: 1, p_kind: "process" });
    m.clock.advance(60_000);
    await m.submit();
    await life(m);
    assert.equal((await life(m))["status"], "failed");
  },
);

sqlTest("a worker gives back only what is its own", async (m) => {
  const work = await m.submitRunning();
  const held = [{ id: work.id, attempt: work.attempt }];
  assert.equal(await m.call("release_response_jobs", { p_worker: "other", p_jobs: held }), 0);
  assert.equal((await m.row(work.id))["status"], "running");
});
