/** Without the guard in background, the job waits for what may have been done. */
import assert from "node:assert/strict";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { recorded } from "../background/at-openai.ts";
import { cancel, createBackground, raw, response, retrieve } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, createsSince, query, sentInAll, works } from "./mail.ts";

const stillRunning = { body: response("in_progress", []) };

export function testCarefulWaiting(theStack: () => TestStack): void {
  Deno.test("guard: synchronous lets a background run call by itself", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    begin(theStack(), [works]);
    const from = openai.requests.length;
    const { id } = await submit(fresh("unguarded"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), ["background completed"]);
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
    assert.deepEqual(await summarizeAttempts(sql, id), ["background completed"]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  for (const profile of ["unguarded", "off-background"] as const) {
    Deno.test(`guard of ${profile}: a response that goes on after its cancel may have sent, so a person decides`, async () => {
      const { submit, fresh, openai, sql, ask, stack } = theStack();
      begin(theStack(), [
        { kind: "stuck-in-progress", match: createBackground, times: 1 },
        raw(cancel, stillRunning),
        raw(retrieve, stillRunning),
      ]);
      const { id } = await submit(fresh(profile), query);
      await recorded(sql, id);
      const held = await settledInTime(theStack(), id);
      assert.equal(held.status, "needs_review");
      assert.deepEqual(await summarizeAttempts(sql, id), [
        "background suspended background_stuck",
      ]);
      assert.equal((await readAttempts(sql, id))[0]?.cancel_pending, true);
      assert.equal(stack.mailbox.sent.length, 0);
      openai.faults.clear();
      // The cancel is asked for again, with growing pauses. Now it is heard.
      await sql`update durable_responses.upstream_cancels set due = now() where job_id = ${id}`;
      await ask({ path: `/${id}/resolve`, body: { outcome: "did_not_happen" } });
      assert.equal((await settledInTime(theStack(), id)).status, "completed");
      assert.equal(stack.mailbox.sent.length, 1);
    });
  }

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
