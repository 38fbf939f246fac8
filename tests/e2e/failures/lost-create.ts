/** OpenAI accepts a request, but its answer is lost: nobody knows the response's id. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { query } from "./run-case.ts";

export function testLostCreates(theStack: () => TestStack): void {
  Deno.test("a create whose answer is lost is sent once, and the job completes synchronously", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    // On a connection kept alive from an earlier request, fetch itself would repeat a POST.
    await submit("plain", query, { wait: 20 });
    const before = openai.counts();
    openai.faults.set([{ kind: "create-lost", times: 1 }]);
    const { id } = await submit(fresh("plain"), query);
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "openai_unreachable"]);
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background failed openai_unreachable",
      "synchronous completed",
    ]);
    assert.equal(openai.counts().create_background - before.create_background, 1);
  });

  Deno.test("the response of a lost create that ends later changes nothing", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    const deliveries = openai.webhooks.deliveries.length;
    openai.faults.set([{ kind: "create-lost", times: 1 }]);
    const { id } = await submit(fresh("plain"), "[[plan: sleep 1200ms; text from the lost one]]");
    openai.faults.clear();
    const job = await finished(id);
    await openai.idle();
    await openai.webhooks.idle();
    assert.ok(openai.webhooks.deliveries.length > deliveries);
    const attempts = await eventually(
      "its id in the attempt",
      () => readAttempts(sql, id),
      ([lost]) => lost?.response_id !== null,
    );
    assert.equal(attempts.length, 2);
    assert.deepEqual(await readJob(sql, id), job);
  });

  Deno.test("a synchronous run whose answer is lost is sent once per attempt", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    await submit("direct", query, { wait: 20 });
    const before = openai.counts();
    openai.faults.set([{ kind: "create-lost", times: 1 }]);
    const { id } = await submit(fresh("direct"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "synchronous failed openai_unreachable",
      "synchronous completed",
    ]);
    assert.equal(openai.counts().create_stream - before.create_stream, 2);
  });
}
