import type { JSONValue } from "postgres";
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
    mode: "background",
    accept_ms: 20_000,
    background_ms: 600_000,
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
    profile: "mail",
    input: input,
    owner_id: owner,
    metadata: { ticket: 7 },
    priority: 5,
    max_attempts: 2,
    backoff_base_ms: 10,
    backoff_cap_ms: 20,
    deadline_ms: 60_000,
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

const defaults = {
  metadata: {},
  priority: 0,
  max_attempts: 5,
  backoff_base_ms: 1000,
  backoff_cap_ms: 300_000,
  deadline_ms: "86400000",
  approval_ms: "604800000",
  review_ms: "2592000000",
  poll_ms: 30_000,
  background_ms: "600000",
  once_tools: true,
  on_uncertain: "review",
  guard: "always",
};

for (
  const [what, given] of [
    ["is not given", {}],
    ["is null", Object.fromEntries(Object.keys(defaults).map((field) => [field, null]))],
  ] as const
) {
  sqlTest(`what ${what} has its default`, async (machine) => {
    const { id } = await machine.submit({ ...given });
    const row = await machine.row(id);
    for (const [field, value] of Object.entries(defaults)) {
      assert.deepEqual(row[field], value, field);
    }
    assert.equal(row["query_text"], "hello");
    const background = await machine.submit({ ...given, mode: "background" });
    const waiting = await machine.row(background.id);
    const at = machine.clock.now.getTime();
    assert.equal(waiting["poll_at"].getTime() - at, 20_000);
    assert.equal(waiting["background_until"].getTime() - at, 600_000);
  });
}

sqlTest("null in place of input is no input", async (machine) => {
  const { message } = await refused(machine.submit({ input: null }), "DR400");
  assert.match(message, /not neither/);
});

sqlTest("a whole Responses API request is taken in place of input", async (machine) => {
  const request = { model: "gpt-6.1-sol", input: "hi" };
  const { id } = await machine.submit({ request: request });
  const row = await machine.row(id);
  assert.deepEqual(row["request"], request);
  assert.equal(row["input"], null);
});

sqlTest("neither input nor request is refused and leaves no row", async (machine) => {
  await refused(machine.call("submit_response_job", { p_job: { profile: "default" } }), "DR400");
  const [count] = await machine.db.owner`select count(*)::int as jobs from public.response_jobs`;
  assert.equal(count?.["jobs"], 0);
});

sqlTest("input and request together are refused", async (machine) => {
  await refused(
    machine.submit({ input: "hi", request: { model: "gpt-6.1-sol" } }),
    "DR400",
  );
});

sqlTest(
  "what the submission's type does not have, or cannot hold, is refused by name",
  async (machine) => {
    const unknown = await refused(machine.submit({ deadline: 5 }), "DR400");
    assert.match(unknown.message, /no field 'deadline'/);
    const wrong = await refused(machine.submit({ max_attempts: "many" }), "DR400");
    assert.match(wrong.message, /many/);
    await refused(machine.call("submit_response_job", { p_job: ["default"] }), "DR400");
    await refused(machine.submit({ profile: null }), "DR400");
    await refused(machine.submit({ backoff_base_ms: 11, backoff_cap_ms: 10 }), "DR400");
  },
);

sqlTest(
  "functions that expect another major version are refused, and leave no row",
  async (machine) => {
    await machine.submit({ schema_major: 1 });
    await refused(machine.submit({ schema_major: 2 }), "DR426");
    await refused(
      machine.call("claim_response_work", { p_worker: "w", p_limit: 1, p_schema_major: 2 }),
      "DR426",
    );
    await refused(
      machine.call("claim_background_job", { p_response_id: "resp_1", p_schema_major: 2 }),
      "DR426",
    );
    const [count] = await machine.db.owner`select count(*)::int as jobs from public.response_jobs`;
    assert.equal(count?.["jobs"], 1);
  },
);

sqlTest("a list shows what was asked last, and not how it was sent", async (machine) => {
  const text = (text: string) => ({ type: "input_text", text });
  const cases: [input: JSONValue, shown: string][] = [
    ["hello", "hello"],
    [[{ role: "user", content: "hello" }], "hello"],
    [[{ role: "user", content: "first" }, { role: "assistant", content: "yes?" }, {
      role: "user",
      content: [text("look at"), { type: "input_image", image_url: "data:," }, text("this")],
    }], "look at this"],
    [[{ role: "user", content: "x".repeat(600) }], "x".repeat(500)],
  ];
  for (const [input, shown] of cases) {
    const { id } = await machine.submit({ input });
    assert.equal((await machine.row(id))["query_text"], shown);
  }
  const image = [{ role: "user", content: [{ type: "input_image", image_url: "data:," }] }];
  const { id } = await machine.submit({ input: image });
  assert.match((await machine.row(id))["query_text"], /input_image/);
});
