/** The limit of a user's unfinished jobs: response_settings.max_unfinished_per_user. */
import assert from "node:assert/strict";
import type { Arguments } from "../../support/function-call.ts";
import { countJobs } from "../../support/jobs.ts";
import { submitted } from "../../support/machine-shapes.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const owner = "00000000-0000-4000-8000-000000000001";
const other = "00000000-0000-4000-8000-000000000002";

async function limited(machine: Machine, limit: number | null) {
  await machine.db.owner`update public.response_settings set max_unfinished_per_user = ${limit}`;
}

sqlTest(
  "a user with as many unfinished jobs as allowed cannot add one until one is done",
  async (machine) => {
    await limited(machine, 2);
    const running = await machine.submitRunning({ owner_id: owner });
    const { id } = await machine.submitBackground("resp_1", { owner_id: owner });
    for (const mode of ["synchronous", "background"]) {
      const error = await refused(machine.submit({ owner_id: owner, mode }), "DR429");
      assert.match(error.message, /2 are unfinished/);
    }
    await machine.submit({ owner_id: other });
    await machine.complete(running);
    await machine.submit({ owner_id: owner });
    await machine.call("cancel_response_job", { p_job_id: id, p_owner_id: owner });
    await machine.submit({ owner_id: owner });
    await refused(machine.submit({ owner_id: owner }), "DR429");
  },
);

sqlTest("a repeat of an accepted request is answered however many there are", async (machine) => {
  await limited(machine, 1);
  const keyed = { profile: "default", input: "hello", owner_id: owner };
  const key = { idempotency_key: "k", request_hash: "h" };
  const first = submitted.parse(
    await machine.call("submit_response_job", { p_job: { ...keyed, ...key } }),
  );
  const again = submitted.parse(
    await machine.call("submit_response_job", { p_job: { ...keyed, ...key } }),
  );
  assert.deepEqual([again.created, again.job.id], [false, first.job.id]);
  await refused(
    machine.call("submit_response_job", { p_job: { ...keyed, ...key, request_hash: "other" } }),
    "DR422",
  );
  await refused(
    machine.call("submit_response_job", { p_job: { ...keyed, ...key, idempotency_key: "k2" } }),
    "DR429",
  );
});

sqlTest("servers' own jobs are not counted, and null is no limit", async (machine) => {
  await limited(machine, 1);
  for (let made = 0; made < 3; made++) await machine.submit();
  await limited(machine, null);
  for (let made = 0; made < 3; made++) await machine.submit({ owner_id: owner });
  assert.equal((await machine.claim("worker-1", 10)).length, 6);
});

sqlTest("a refused submit leaves no row and does not use up the route's probe", async (machine) => {
  await limited(machine, 1);
  await machine.submit({ owner_id: owner });
  await machine.db.owner`
    update public.response_routes set breaker = 'open', probe_at = ${machine.clock.now}`;
  await refused(machine.submit({ owner_id: owner, mode: "background" }), "DR429");
  const [route] = await machine.db.owner`select breaker from public.response_routes`;
  assert.equal(route?.["breaker"], "open");
  assert.equal((await machine.submit({ mode: "background" })).status, "background");
});

sqlTest(
  "one limit for every way to make a job: retry, batch, SQL; a refusal leaves no row",
  async (machine) => {
    const failed = await machine.submitRunning({ owner_id: owner });
    await machine.fail(failed);
    const keyed = { profile: "default", input: "hello", owner_id: owner, idempotency_key: "k" };
    await machine.call("submit_response_jobs", { p_jobs: [keyed] });
    await limited(machine, 1);
    const before = await countJobs(machine.db.owner);
    const job = { profile: "default", input: "hello", owner_id: owner };
    const entrances: [string, Arguments][] = [
      ["submit_response_job", { p_job: job }],
      ["submit_response_jobs", { p_jobs: [job] }],
      ["submit_response_jobs", { p_jobs: [keyed, { ...job, owner_id: other }, job] }],
      ["submit_response_jobs", { p_jobs: [1, 2].map(() => ({ ...job, owner_id: other })) }],
      ["enqueue_response_job", { p_query: "hello", p_owner_id: owner }],
      ["retry_response_job", { p_job_id: failed.id, p_owner_id: owner }],
      ["retry_response_job", { p_job_id: failed.id, p_as_service: true }],
    ];
    for (const [name, args] of entrances) await refused(machine.call(name, args), "DR429");
    assert.equal(await countJobs(machine.db.owner), before);
    // A repeat adds nothing, and another user has room for one.
    await machine.call("submit_response_jobs", { p_jobs: [keyed, { ...job, owner_id: other }] });
    assert.equal(await countJobs(machine.db.owner), before + 1);
  },
);
