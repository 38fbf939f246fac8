import assert from "node:assert/strict";
import { type Machine, someError } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function tellStory(machine: Machine, owner: string): Promise<string> {
  const { id } = await machine.submitBackground("resp_1", { owner_id: owner });
  machine.clock.advance(1000);
  const failed = { p_job_id: id, p_attempt: 1, p_error: someError };
  await machine.call("fall_back_response_job", failed);
  machine.clock.advance(1000);
  await machine.claim();
  machine.clock.advance(1000);
  await machine.complete({ id, attempt: 2 });
  return id;
}

sqlTest("a job's timeline tells what happened, in order", async (machine) => {
  const owner = await machine.db.createUser();
  const id = await tellStory(machine, owner);
  const rows = await machine.db.owner`
    select attempt, event, detail, extract(epoch from at - min(at) over ())::int as s
    from public.response_timeline where job_id = ${id} order by at, attempt
  `;
  assert.deepEqual(rows.map(({ s, attempt, event }) => `${s} ${attempt} ${event}`).sort(), [
    "0 0 accepted",
    "0 1 attempt_started",
    "1 1 attempt_failed",
    "2 2 attempt_started",
    "3 2 attempt_completed",
    "3 2 completed",
  ]);
  const failed = rows.find(({ event }) => event === "attempt_failed");
  assert.equal(failed?.["detail"], "background: openai_server_error: Cannot answer");
  assert.equal(rows.find(({ event }) => event === "completed")?.["detail"], "Hello");
});

sqlTest("a step of the timeline names the tool, whoever makes the call", async (machine) => {
  const { id } = await machine.submitBackground("resp_1");
  await machine.call("fall_back_response_job", { p_job_id: id, p_attempt: 1, p_error: someError });
  await machine.claim();
  const step = { status: "finished", effect: "none", arguments: "{}" };
  await machine.call("save_response_steps", {
    p_job_id: id,
    p_attempt: 2,
    p_steps: [
      { ...step, item_id: "fc_1", kind: "function_call", tool: "ship", run_by: "worker" },
      { ...step, item_id: "mcp_1", kind: "mcp_call", server_label: "mailbox", tool: "find" },
    ],
  });
  const rows = await machine.db.owner`
    select detail from public.response_timeline where job_id = ${id} and event = 'step_finished' order by detail`;
  assert.deepEqual(rows.map(({ detail }) => detail), [
    "function_call ship",
    "mcp_call mailbox.find",
  ]);
});

sqlTest("an owner sees the timeline of own jobs only", async (machine) => {
  const [owner, other] = [await machine.db.createUser(), await machine.db.createUser()];
  await tellStory(machine, owner);
  const count = async (user: string) => {
    const rows = await machine.db.asUser(
      user,
      (sql) => sql`select * from public.response_timeline`,
    );
    return rows.length;
  };
  assert.equal(await count(owner), 6);
  assert.equal(await count(other), 0);
});
