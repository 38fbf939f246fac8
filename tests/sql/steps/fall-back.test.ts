import assert from "node:assert/strict";
import { callStep, fenced, itemStep, stepLines, view } from "../../support/ledger.ts";
import { type Machine, someError } from "../../support/machine.ts";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function fallBack(m: Machine, fence: AttemptKey, more = {}) {
  return await view(m, "fall_back_response_job", { ...fenced(fence), p_error: someError, ...more });
}

async function submitted(m: Machine, args = {}): Promise<AttemptKey> {
  return { id: (await m.submitBackground("resp_1", args)).id, attempt: 1 };
}

sqlTest("what the background run did goes to the run that follows", async (m) => {
  const job = await submitted(m);
  const steps = [itemStep("mcp_list_tools"), callStep("finished")];
  assert.equal((await fallBack(m, job, { p_steps: steps })).status, "queued");
  const [work] = await m.claim();
  const given = work?.["steps"];
  assert.ok(Array.isArray(given));
  assert.deepEqual(given.map(({ item_id }) => item_id), ["mcp_list_tools_1", "mcp_1"]);
});

sqlTest("a call that was under way in background stops the job for a review", async (m) => {
  const job = await submitted(m);
  const view = await fallBack(m, job, { p_steps: [callStep("started")] });
  assert.equal(view.status, "needs_review");
  assert.equal(view.fallback_reason, someError.code);
  assert.deepEqual(await stepLines(m, job.id), ["send uncertain"]);
});

sqlTest(
  "a background run of which nothing is known stops it too, if its tools may act and nobody stands in front of them",
  async (m) => {
    const job = await submitted(m, { guard: "synchronous" });
    assert.equal((await fallBack(m, job, { p_unknown: true })).status, "needs_review");
    assert.deepEqual(await stepLines(m, job.id), ["unguarded_run uncertain"]);
  },
);

for (
  const [why, args] of [
    ["its tools do not act", { guard: "off", once_tools: false }],
    ["the profile says retry", { guard: "off", on_uncertain: "retry" }],
    ["the guard stands in front of it", {}],
  ] as const
) {
  sqlTest(`an unknown background run is run again when ${why}`, async (m) => {
    const job = await submitted(m, args);
    assert.equal((await fallBack(m, job, { p_unknown: true })).status, "queued");
    assert.deepEqual(await stepLines(m, job.id), []);
  });
}
