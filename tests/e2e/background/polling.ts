/** Polling finds what no webhook reports: results, failures, responses that are stuck or gone. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { advance } from "../../support/job-state.ts";
import { callsFor, functionsAreDone, handedOver, openaiIsDone } from "./at-openai.ts";

export function testPolling(theStack: () => TestStack): void {
  Deno.test("a lost webhook costs one poll interval, and not the result", async () => {
    const { openai, finished, sql, wake } = theStack();
    openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const { id, responseId } = await handedOver(theStack(), { kind: "background-works" });
    await openaiIsDone(theStack());
    await wake();
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "background", "nobody was to look yet");
    assert.equal(callsFor(theStack(), responseId), 0);

    await advance(sql, id, 31_000);
    await wake();
    const job = await finished(id);
    assert.deepEqual([job.status, job.output_text], ["completed", "all done"]);
    assert.deepEqual(await summarizeAttempts(sql, id), ["background completed"]);
  });

  Deno.test("a lost webhook of a failure: the poll falls back", async () => {
    const { openai, finished, sql, wake } = theStack();
    openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const { id } = await handedOver(theStack(), { kind: "background-fails" });
    await openaiIsDone(theStack());
    await advance(sql, id, 31_000);
    await wake();
    assert.equal((await finished(id)).fallback_reason, "openai_server_error");
  });

  for (const kind of ["stuck-queued", "stuck-in-progress"] as const) {
    Deno.test(`a response that is ${kind} is cancelled at OpenAI before the job runs synchronously`, async () => {
      const { openai, finished, sql, wake } = theStack();
      const { id, responseId } = await handedOver(theStack(), { kind });
      // Its budget of 60 s is not used up, so it is read and left alone.
      await advance(sql, id, 31_000);
      await wake();
      await eventually("a look", () => callsFor(theStack(), responseId), (looks) => looks === 1);
      await functionsAreDone(theStack());
      assert.equal((await readJob(sql, id)).status, "background");

      await advance(sql, id, 31_000);
      await wake();
      const job = await finished(id);
      assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_stuck"]);
      assert.deepEqual(await summarizeAttempts(sql, id), [
        "background failed background_stuck",
        "synchronous completed",
      ]);
      const order = openai.requests.map(({ path, body }) =>
        path === `/v1/responses/${responseId}/cancel`
          ? "cancel"
          : JSON.stringify(body ?? "").includes(id) &&
              JSON.stringify(body).includes('"stream":true')
          ? "stream"
          : ""
      ).filter((what) => what !== "");
      assert.deepEqual(order, ["cancel", "stream"]);
    });
  }

  Deno.test("a response that was cancelled after its budget was stuck, also if its webhook is here first", async () => {
    const { openai, finished, sql } = theStack();
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    await advance(sql, id, 61_000);
    const cancelled = await fetch(`${openai.url}/responses/${responseId}/cancel`, {
      method: "POST",
      headers: { authorization: `Bearer ${openai.apiKey}` },
    });
    assert.equal((await cancelled.json()).status, "cancelled");
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_stuck"]);
  });

  Deno.test("a stuck response that may act, and cannot be cancelled yet, keeps its job in background, then a person decides", async () => {
    const { openai, sql, wake } = theStack();
    const stuck = { kind: "stuck-queued" } as const;
    const { id, responseId } = await handedOver(theStack(), stuck, undefined, "unguarded");
    openai.faults.set([{ kind: "server-error", match: { endpoint: "cancel" }, times: 1 }]);
    await advance(sql, id, 61_000);
    await wake();
    await eventually(
      "a try to cancel",
      () => callsFor(theStack(), responseId, "/cancel"),
      (tries) => tries === 1,
    );
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "background");

    await advance(sql, id, 31_000);
    await wake();
    // It was cancelled, which does not say that it had not called.
    await eventually("a review", async () => (await readJob(sql, id)).status === "needs_review");
    assert.equal((await readJob(sql, id)).fallback_reason, "background_stuck");
  });

  Deno.test("a response past its job's deadline is cancelled, and the job fails", async () => {
    const { finished, sql, wake } = theStack();
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    await advance(sql, id, 601_000);
    await wake();
    const job = await finished(id);
    assert.deepEqual([job.status, job.error_code], ["failed", "deadline_exceeded"]);
    assert.equal(callsFor(theStack(), responseId, "/cancel"), 1);
  });

  Deno.test("while OpenAI cannot be asked, the job waits; then it goes on", async () => {
    const { openai, finished, sql, wake } = theStack();
    openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const { id, responseId } = await handedOver(theStack(), { kind: "background-works" });
    await openaiIsDone(theStack());
    const broken: Fault = { kind: "server-error", match: { endpoint: "retrieve" }, times: 1 };
    openai.faults.set([broken]);
    await advance(sql, id, 31_000);
    await wake();
    await eventually("a look", () => callsFor(theStack(), responseId), (looks) => looks === 1);
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "background");

    await advance(sql, id, 31_000);
    await wake();
    assert.equal((await finished(id)).status, "completed");
  });

  Deno.test("a response that OpenAI no longer knows: the job runs synchronously", async () => {
    const { openai, finished, sql, wake } = theStack();
    openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const { id } = await handedOver(theStack(), { kind: "background-works" });
    await openaiIsDone(theStack());
    openai.faults.set([{ kind: "http-error", status: 404, match: { endpoint: "retrieve" } }]);
    // Until its budget ends or two minutes have passed, it may just not be known yet.
    await advance(sql, id, 61_000);
    await wake();
    const job = await finished(id);
    openai.faults.clear();
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_expired"]);
  });

  Deno.test("a function that dies while OpenAI accepts: the job falls back after its accept budget", async () => {
    const { openai, submit, fresh, finished, sql, wake, stack } = theStack();
    openai.faults.set([{ kind: "slow", ms: 60_000, times: 1 }]);
    const before = openai.counts().create;
    const lost = submit(fresh("plain"), "[[plan: text all done]]").then(
      ({ status }) => assert.ok(status >= 500, `the answer was ${status}`),
      (error: unknown) => assert.ok(error instanceof Error),
    );
    await eventually("the create", () => openai.counts().create, (creates) => creates > before);
    await stack.edge.kill("respond");
    await lost;
    openai.faults.clear();
    const [row] = await sql<{ id: string }[]>`
      select id from public.response_jobs order by created_at desc limit 1`;
    const id = row?.id ?? "";
    assert.equal((await readJob(sql, id)).status, "background");

    await advance(sql, id, 6_000);
    await wake();
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_unrecorded"]);
    assert.equal((await readAttempts(sql, id)).length, 2);
  });
}
