/** sqlTool(): how long a call may take. Postgres counts these seconds, so nothing makes them shorter. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { isFinal, readJob } from "../support/jobs.ts";
import { toolsStackForFile } from "./support/tools-stack.ts";

const theStack = toolsStackForFile({});

Deno.test("a call of 6 s is made under the owner's rights, and its lease is renewed meanwhile", async () => {
  const { submit, finished, begin, orders, user, sql } = theStack();
  await begin();
  const { id } = await submit("direct", '[[plan: call slow_order {"item":"slow","seconds":6}]]');
  const job = await finished(id);
  assert.match(job.output_text ?? `${job.error_message}`, /slow_order returned: \d+\./);
  assert.deepEqual(await orders(), [{ owner_id: user.id, item: "slow" }]);
  const seen = await sql`select role, orders::int from public.seen`;
  assert.deepEqual([...seen], [{ role: "authenticated", orders: 1 }]);
});

Deno.test("a call of more than 8 s is undone, and the model is told", async () => {
  const { submit, finished, begin, orders } = theStack();
  await begin();
  const { id } = await submit("direct", '[[plan: call slow_order {"item":"slower","seconds":9}]]');
  const job = await finished(id);
  assert.match(job.output_text ?? `${job.error_message}`, /it took too long, and was undone/);
  assert.deepEqual(await orders(), []);
});

Deno.test("a function that lets nothing cancel it: the model is told, nothing is left, and no session is", async () => {
  const { submit, begin, orders, steps, sql } = theStack();
  await begin();
  const { id } = await submit("direct", "[[plan: call endless_order {}]]");
  const job = await eventually(`the end of ${id}`, () => readJob(sql, id), isFinal, {
    timeoutMs: 60_000,
  });
  assert.match(job.output_text ?? `${job.error_message}`, /it took too long, and was undone/);
  assert.deepEqual(await orders(), []);
  assert.deepEqual((await steps(id)).map(({ kind, status, attempt }) => [kind, status, attempt]), [
    ["function_call", "failed", 1],
    ["message", "finished", 1],
  ]);
  const left = await sql`select from pg_stat_activity where wait_event = 'PgSleep'`;
  assert.equal(left.length, 0);
});
