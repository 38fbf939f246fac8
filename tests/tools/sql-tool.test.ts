/** sqlTool(): a call and its row are one transaction, under the owner's own rights. */
import assert from "node:assert/strict";
import { readJob } from "../support/jobs.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

Deno.test("a Postgres function is called with the model's arguments, as the owner", async () => {
  const { submit, finished, begin, orders, steps, user, sql } = theStack();
  await begin();
  const { id } = await submit("direct", '[[plan: call add_order {"item":"tea","pieces":2}]]');
  const job = await finished(id);
  assert.match(job.output_text ?? `${job.error_message}`, /add_order returned: \d+\./);
  assert.deepEqual(await orders(), [{ owner_id: user.id, item: "tea" }]);
  assert.deepEqual(
    (await steps(id)).map(({ kind, status, effect }) => [kind, status, effect]).slice(0, 1),
    [["function_call", "finished", "once"]],
  );
  const seen = await sql`select role, orders::int from public.seen`;
  assert.deepEqual([...seen], [{ role: "authenticated", orders: 1 }], "the deferred trigger");
});

Deno.test("a user's tool reads and writes nothing of another's, whatever the model asks for", async () => {
  const { submit, finished, begin, sql, user, stack } = theStack();
  await begin();
  const other = await stack.createUser();
  await sql`insert into public.orders (owner_id, item, pieces) values (${other.id}, 'secret', 1)`;
  const attempts = [
    `call my_orders {}`,
    `call my_orders {"of_owner":"${other.id}"}`,
    `call add_order {"item":"'); set role postgres; --"}`,
  ];
  for (const step of attempts) {
    const { output_text } = await finished((await submit("direct", `[[plan: ${step}]]`)).id);
    assert.doesNotMatch(output_text ?? "", /secret/, step);
  }
  const rows = await sql`select owner_id from public.orders where item <> 'secret'`;
  assert.deepEqual(rows.map(({ owner_id }) => owner_id), [user.id]);
  const all = await finished((await submit("direct", "[[plan: call all_orders {}]]")).id);
  assert.match(all.output_text ?? "", /secret/, "as the service it sees all");
});

Deno.test("what a deferred trigger refuses is the tool's error, and leaves nothing but its row", async () => {
  const { submit, finished, begin, orders, steps } = theStack();
  await begin();
  const { id } = await submit("direct", '[[plan: call wrong_order {"item":"x"}]]');
  const job = await finished(id);
  assert.match(job.output_text ?? `${job.error_message}`, /there is no such item/);
  assert.deepEqual(await orders(), []);
  assert.equal((await steps(id))[0]?.["status"], "failed");
});

Deno.test("a function that is not there fails the job, and says what it looked for", async () => {
  const { submit, finished, begin } = theStack();
  await begin();
  const job = await finished((await submit("direct", "[[plan: call no_such {}]]")).id);
  assert.deepEqual([job.status, job.error_code], ["failed", "tool_failed"]);
  assert.match(job.error_message ?? "", /no function of this name takes exactly these/);
});

Deno.test("a server's job has no owner whose rights a user's tool could have", async () => {
  const { ask, stack, finished, begin, sql } = theStack();
  await begin();
  const { id } = await ask({
    token: null,
    headers: { apikey: stack.secretKey },
    body: { profile: "direct", query: '[[plan: call add_order {"item":"tea"}]]' },
  });
  const job = await finished(id);
  assert.deepEqual([job.status, job.error_code], ["failed", "tool_failed"]);
  assert.match(job.error_message ?? "", /the job has no owner/);
  assert.equal((await readJob(sql, id)).status, "failed");
});

Deno.test("SQL tools of one response run together and none waits for another in a circle", async () => {
  const { submit, finished, begin, orders } = theStack();
  await begin();
  const plan = '[[plan: call slow_order {"item":"#","seconds":0.2} x6]]';
  const job = await finished((await submit("direct", plan)).id);
  assert.equal(job.status, "completed");
  assert.deepEqual((await orders()).map(({ item }) => item).sort(), ["1", "2", "3", "4", "5", "6"]);
});
