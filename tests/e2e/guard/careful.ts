/** Without the guard in background: what may have been done is waited for. */
import assert from "node:assert/strict";
import { readJob, summariseAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { begin, createsSince, query, sentInAll, works } from "./mail.ts";

export function testCarefulWaiting(theStack: () => TestStack): void {
  Deno.test("guard: synchronous lets a background run call by itself", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    begin(theStack(), [works]);
    const from = openai.requests.length;
    const { id } = await submit(fresh("unguarded"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summariseAttempts(sql, id), ["background completed"]);
    assert.equal(createsSince(theStack(), from).length, 1);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("guard: synchronous waits for a response whose id was lost", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    begin(theStack(), [{ kind: "create-lost", times: 1 }, works]);
    openai.webhooks.faults.set([{ kind: "delay", ms: 700, times: 1 }]);
    const { id, body } = await submit(fresh("unguarded"), query);
    assert.equal(body.status, "background");
    assert.equal((await readJob(sql, id)).status, "background");
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summariseAttempts(sql, id), ["background completed"]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("guard: off asks for nothing, in either mode", async () => {
    const { submit, fresh, finished, openai } = theStack();
    begin(theStack(), []);
    const from = openai.requests.length;
    const { id } = await submit(fresh("off"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.equal(createsSince(theStack(), from).length, 1);
    assert.equal(await sentInAll(theStack()), 1);
  });
}
