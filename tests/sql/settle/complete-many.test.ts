/** Results written together: each has its own fencing token, and is accepted or refused by itself. */
import assert from "node:assert/strict";
import type { JSONValue } from "postgres";
import { z } from "zod";
import { callStep, stepLines } from "../../support/ledger.ts";
import { type Machine, someOutput } from "../../support/machine.ts";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const result = ({ id, attempt }: AttemptKey, more: Record<string, JSONValue> = {}) => ({
  job_id: id,
  attempt,
  response_id: "resp_1",
  output: someOutput,
  output_text: "Hello",
  steps: [],
  ...more,
});

async function completeMany(machine: Machine, results: JSONValue[]): Promise<string[]> {
  const answer = await machine.call("complete_response_jobs", { p_results: results });
  return z.array(z.uuid()).parse(answer);
}

sqlTest("the results of many runs are written in one call", async (machine) => {
  const one = await machine.submitRunning();
  const two = await machine.submitRunning();
  machine.clock.advance(1000);
  const written = await completeMany(machine, [
    result(one, { output_parsed: { answer: 42 }, usage: { total_tokens: 3 }, request_id: "req_1" }),
    result(two, { response_id: "resp_2" }),
  ]);
  assert.deepEqual(written.toSorted(), [one.id, two.id].toSorted());
  const [first, second] = [await machine.row(one.id), await machine.row(two.id)];
  assert.deepEqual(first["output_parsed"], { answer: 42 });
  assert.equal(first["response_id"], "resp_1");
  assert.deepEqual(first["finished_at"], machine.clock.now);
  assert.deepEqual(second["output"], someOutput);
  assert.equal(second["response_id"], "resp_2");
  assert.equal(second["output_parsed"], null);
  const [tried] = await machine.attempts(one.id);
  assert.equal(tried?.["outcome"], "completed");
  assert.equal(tried?.["request_id"], "req_1");
  assert.deepEqual(tried?.["usage"], { total_tokens: 3 });
});

sqlTest("a result that comes too late is dropped, and the others are written", async (machine) => {
  const late = await machine.submitRunning({ backoff_base_ms: 1, backoff_cap_ms: 1 });
  machine.clock.advance(60_000);
  await machine.claim("worker-2", 0);
  machine.clock.advance(1000);
  const [again] = await machine.claim("worker-2");
  const other = await machine.submitRunning();
  const gone = { id: crypto.randomUUID(), attempt: 1 };
  assert.deepEqual(await completeMany(machine, [late, gone, other].map((each) => result(each))), [
    other.id,
  ]);
  const row = await machine.row(late.id);
  assert.deepEqual([row["status"], row["attempt"]], ["running", again?.attempt]);
  assert.equal((await machine.attempts(late.id)).at(-1)?.["outcome"], null);
});

sqlTest(
  "each result's last steps are saved, and what was in flight becomes void",
  async (machine) => {
    const one = await machine.submitRunning();
    const two = await machine.submitRunning();
    const call = { kind: "mcp_call", effect: "none", server_label: "mail", tool: "list" };
    await machine.call("save_response_steps", {
      p_job_id: two.id,
      p_attempt: two.attempt,
      p_steps: [{ item_id: "cut_off", status: "started", ...call }],
    });
    const steps = [{ item_id: "call_1", status: "finished", output: "3 mails", ...call }];
    await completeMany(machine, [result(one, { steps }), result(two)]);
    const rows = await machine.db.owner`
    select job_id, item_id, status from public.response_steps order by item_id`;
    assert.deepEqual([...rows], [
      { job_id: one.id, item_id: "call_1", status: "finished" },
      { job_id: two.id, item_id: "cut_off", status: "void" },
    ]);
  },
);

sqlTest("a result that is named twice counts once", async (machine) => {
  const one = await machine.submitRunning();
  assert.deepEqual(await completeMany(machine, [result(one), result(one)]), [one.id]);
  assert.equal((await machine.attempts(one.id)).length, 1);
});

sqlTest(
  "beside the current attempt's result, one of an earlier attempt is dropped",
  async (machine) => {
    const late = await machine.submitRunning({ backoff_base_ms: 1, backoff_cap_ms: 1 });
    machine.clock.advance(60_000);
    await machine.claim("worker-2", 0);
    machine.clock.advance(1000);
    const [again] = await machine.claim("worker-2");
    assert.ok(again);
    const stale = result(late, { response_id: "resp_stale", steps: [callStep("finished")] });
    for (const results of [[stale, result(again)], [result(again), stale]]) {
      await completeMany(machine, results);
      assert.equal((await machine.row(late.id))["response_id"], "resp_1");
      assert.equal((await machine.attempts(late.id)).at(-1)?.["response_id"], "resp_1");
      assert.deepEqual(await stepLines(machine, late.id), []);
    }
  },
);

sqlTest("one impossible result fails the call, and nothing of it is written", async (machine) => {
  const one = await machine.submitRunning();
  const two = await machine.submitRunning();
  await refused(
    completeMany(machine, [result(one), result(two, { output: null })]),
    "23514",
    "jobs_completed_with_output",
  );
  assert.equal((await machine.row(one.id))["status"], "running");
});

sqlTest(
  "a background result closes its route's breaker, and none is an empty list",
  async (machine) => {
    const { id } = await machine.submitBackground("resp_1");
    await machine.db.owner`update public.response_routes set background_failures = 2`;
    assert.deepEqual(await completeMany(machine, [result({ id, attempt: 1 })]), [id]);
    const [route] = await machine.db.owner`select background_failures from public.response_routes`;
    assert.equal(route?.["background_failures"], 0);
    assert.deepEqual(await completeMany(machine, []), []);
  },
);

for (const [onUncertain, expected] of [["review", "uncertain"], ["retry", "void"]] as const) {
  sqlTest(
    `of a call in flight that must not be made twice, under ${onUncertain}, the ledger says ${expected}`,
    async (machine) => {
      const one = await machine.submitRunning({ on_uncertain: onUncertain });
      const many = await machine.submitRunning({ on_uncertain: onUncertain });
      const steps = [callStep("started")];
      await machine.call("complete_response_job", {
        p_job_id: one.id,
        p_attempt: one.attempt,
        p_response_id: "resp_1",
        p_output: someOutput,
        p_steps: steps,
      });
      await completeMany(machine, [result(many, { steps })]);
      for (const { id } of [one, many]) {
        assert.equal((await machine.row(id))["status"], "completed");
        const rows = await machine.db.owner`
        select status from public.response_steps where job_id = ${id}`;
        assert.deepEqual(rows.map(({ status }) => status), [expected]);
      }
    },
  );
}
