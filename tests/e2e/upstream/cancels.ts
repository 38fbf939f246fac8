/** A cancel is only a request. A response that continues anyway stays known, and nothing is silently done twice. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { advance, flagsOf } from "../../support/job-state.ts";
import { readAttempts, readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { callsFor, functionsAreDone, handedOver, recorded } from "../background/at-openai.ts";
import { cancel, createBackground, message, raw, response, retrieve, sent } from "./answers.ts";
import { answering, emailsSent, replying, settledInTime, submitUnder } from "./ask.ts";

const stillRunning = { body: response("in_progress", []) };
const noScope = {
  status: 401,
  body: {
    error: { message: "Missing scopes: model.request", type: "invalid_request_error", code: null },
  },
};

async function isPending({ sql }: TestStack, id: string): Promise<boolean | undefined> {
  return (await readAttempts(sql, id))[0]?.cancel_pending;
}

export function testCancels(theStack: () => TestStack): void {
  Deno.test("a response that goes on after its cancel can only ask: the synchronous run sends, once", async () => {
    const before = emailsSent(theStack());
    const id = await submitUnder(theStack(), "mail", replying, [
      { kind: "stuck-in-progress", match: createBackground, times: 1 },
      raw(cancel, stillRunning),
      raw(retrieve, stillRunning),
    ]);
    await recorded(theStack().sql, id);
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_stuck"]);
    assert.equal(emailsSent(theStack()), before + 1);
    assert.equal(await isPending(theStack(), id), true);
    theStack().openai.faults.clear();
  });

  Deno.test("with harmless tools nobody waits for a cancel that is not believed; it stays wanted", async () => {
    const id = await submitUnder(theStack(), "plain", answering, [
      { kind: "stuck-in-progress", match: createBackground, times: 1 },
      raw(cancel, stillRunning),
      raw(retrieve, stillRunning),
    ]);
    await recorded(theStack().sql, id);
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_stuck"]);
    assert.equal(await isPending(theStack(), id), true);
    theStack().openai.faults.clear();
  });

  for (
    const refused of [noScope, { status: 403, body: "" }, { status: 404, body: "" }, {
      status: 400,
      body: "no",
    }]
  ) {
    Deno.test(`a cancel that is answered ${refused.status} once is asked for again`, async () => {
      const { ask, openai, wake, sql } = theStack();
      const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
      openai.faults.set([{ ...raw(cancel, refused), times: 1 }]);
      const { body } = await ask({ method: "POST", path: `/${id}/cancel` });
      assert.equal(body.status, "cancelled");
      await eventually("the first try", () => callsFor(theStack(), responseId, "/cancel") > 0);
      await functionsAreDone(theStack());
      assert.equal(await isPending(theStack(), id), true);
      await sql`update durable_responses.upstream_cancels set due = now() where job_id = ${id}`;
      await wake();
      await eventually("the next try", async () => !await isPending(theStack(), id));
      assert.ok(callsFor(theStack(), responseId, "/cancel") >= 2);
    });
  }

  Deno.test("a call that comes to light after its job was final is a flag, once", async () => {
    const { ask, openai, sql, fresh, submit } = theStack();
    openai.faults.set([{ kind: "stuck-in-progress", match: createBackground, times: 1 }]);
    const { id } = await submit(fresh("mail"), replying);
    const responseId = await recorded(sql, id);
    await ask({ method: "POST", path: `/${id}/cancel` });
    await eventually("the cancel", async () => !await isPending(theStack(), id));
    openai.faults.set([
      raw(retrieve, { body: response("completed", [sent("a@example.com"), message("sent")]) }),
    ]);
    for (let time = 0; time < 2; time++) {
      await openai.webhooks.send({ type: "response.completed", responseId });
      await functionsAreDone(theStack());
    }
    const flags = await eventually("a flag", () => flagsOf(sql, id), ({ length }) => length > 0);
    assert.deepEqual(flags.map(({ code }) => code), ["late_call"]);
    assert.equal((await readJob(sql, id)).status, "cancelled");
    openai.faults.clear();
  });

  Deno.test("a call that comes to light while its job runs holds the job for review", async () => {
    const { openai, sql, fresh, submit, wake } = theStack();
    const slow: Fault = { kind: "slow", ms: 25_000, match: { stream: true } };
    openai.faults.set([{ kind: "stuck-in-progress", match: createBackground, times: 1 }, slow]);
    const { id } = await submit(fresh("mail"), replying);
    const responseId = await recorded(sql, id);
    await advance(sql, id, 61_000);
    await wake();
    await eventually(
      "the synchronous run",
      async () => (await readJob(sql, id)).status === "running",
    );
    openai.faults.set([
      // The run may not have reached OpenAI yet.
      slow,
      raw(retrieve, { body: response("completed", [sent("a@example.com"), message("sent")]) }),
    ]);
    await openai.webhooks.send({ type: "response.completed", responseId });
    await eventually("a person", async () => (await readJob(sql, id)).status === "needs_review");
    openai.faults.clear();
  });

  Deno.test("an id that OpenAI does not know yet is waited for", async () => {
    const { openai, sql, wake } = theStack();
    openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const { id, responseId } = await handedOver(theStack(), { kind: "background-works" });
    openai.faults.set([{ kind: "http-error", status: 404, match: retrieve }]);
    await advance(sql, id, 31_000);
    await wake();
    await eventually("a look", () => callsFor(theStack(), responseId) > 0);
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "background");
    openai.faults.clear();
    assert.equal((await settledInTime(theStack(), id)).status, "completed");
  });
}
