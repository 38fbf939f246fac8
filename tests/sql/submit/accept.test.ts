import assert from "node:assert/strict";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

sqlTest("a synchronous job is queued, due at once, with no attempt yet", async (machine) => {
  const job = await machine.submit();
  assert.equal(job.status, "queued");
  assert.equal(job.attempt, 0);
  assert.deepEqual(job.run_at, machine.clock.now);
  assert.deepEqual(job.created_at, machine.clock.now);
  assert.deepEqual(await machine.attempts(job.id), []);
});

sqlTest("a background job starts with attempt 1 and an accept budget", async (machine) => {
  const job = await machine.submit({
    p_mode: "background",
    p_accept_ms: 20_000,
    p_background_ms: 600_000,
  });
  assert.equal(job.status, "background");
  assert.equal(job.attempt, 1);
  const row = await machine.row(job.id);
  assert.equal(row["poll_at"].getTime() - machine.clock.now.getTime(), 20_000);
  assert.equal(row["background_until"].getTime() - machine.clock.now.getTime(), 600_000);
  const [attempt, ...others] = await machine.attempts(job.id);
  assert.equal(others.length, 0);
  assert.equal(attempt?.["number"], 1);
  assert.equal(attempt?.["mode"], "background");
  assert.equal(attempt?.["outcome"], null);
});

sqlTest("what was submitted is stored as it came", async (machine) => {
  const owner = await machine.db.createUser();
  const input = [{ role: "user", content: "hi" }];
  const { id } = await machine.submit({
    ...{ p_profile: "mail", p_input: input, p_owner_id: owner, p_metadata: { ticket: 7 } },
    ...{ p_priority: 5, p_max_attempts: 2, p_backoff_base_ms: 10, p_backoff_cap_ms: 20 },
    p_deadline_ms: 60_000,
  });
  const row = await machine.row(id);
  assert.deepEqual(row["input"], input);
  assert.deepEqual(row["metadata"], { ticket: 7 });
  assert.equal(row["owner_id"], owner);
  assert.equal(row["profile"], "mail");
  assert.equal(row["priority"], 5);
  assert.equal(row["max_attempts"], 2);
  assert.equal(row["backoff_base_ms"], 10);
  assert.equal(row["backoff_cap_ms"], 20);
  assert.equal(row["deadline"].getTime() - machine.clock.now.getTime(), 60_000);
});

sqlTest("a whole Responses API request is taken in place of input", async (machine) => {
  const request = { model: "gpt-6.1-sol", input: "hi" };
  const { id } = await machine.submit({ p_request: request });
  const row = await machine.row(id);
  assert.deepEqual(row["request"], request);
  assert.equal(row["input"], null);
});

sqlTest("neither input nor request is refused and leaves no row", async (machine) => {
  await refused(machine.call("submit_response_job", { p_profile: "default" }), "DR400");
  const [count] = await machine.db.owner`select count(*)::int as jobs from public.response_jobs`;
  assert.equal(count?.["jobs"], 0);
});

sqlTest("input and request together are refused", async (machine) => {
  await refused(
    machine.submit({ p_input: "hi", p_request: { model: "gpt-6.1-sol" } }),
    "23514",
    "response_jobs_input_or_request",
  );
});
