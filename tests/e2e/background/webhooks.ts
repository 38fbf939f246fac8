/** Webhooks that come twice, in the wrong order, or before the response's id is recorded. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone, recorded } from "./at-openai.ts";

const query = "[[plan: text all done]]";

export function testWebhooks(theStack: () => TestStack): void {
  Deno.test("a webhook that comes twice gives one result", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    openai.webhooks.faults.set([{ kind: "double", times: 1 }]);
    const { id } = await submit(fresh("plain"), query);
    const job = await finished(id);
    await openaiIsDone(theStack());
    await functionsAreDone(theStack());
    assert.deepEqual(await summarizeAttempts(sql, id), ["background completed"]);
    assert.deepEqual(await readJob(sql, id), job);
    const twice = openai.webhooks.deliveries.filter((each) => each.responseId === job.response_id);
    assert.deepEqual(twice.map(({ status }) => status), [200, 200]);
  });

  Deno.test("a failure that is told twice falls back once", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    openai.faults.set([{ kind: "background-fails", times: 1 }]);
    openai.webhooks.faults.set([{ kind: "double", times: 1 }]);
    const { id } = await submit(fresh("plain"), query);
    await finished(id);
    await openaiIsDone(theStack());
    await functionsAreDone(theStack());
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background failed openai_server_error",
      "synchronous completed",
    ]);
  });

  Deno.test("a webhook that says completed too early or about a failure is not believed", async () => {
    const { openai, submit, fresh, finished, sql } = theStack();
    openai.faults.set([{ kind: "background-fails", afterMs: 600, times: 1 }]);
    const { id } = await submit(fresh("plain"), query);
    const status = await openai.webhooks.send({
      type: "response.completed",
      responseId: await recorded(sql, id),
    });
    assert.equal(status, 200);
    await finished(id);
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background failed openai_server_error",
      "synchronous completed",
    ]);
  });

  Deno.test("webhooks in the wrong order settle each job by its own", async () => {
    const { openai, submit, fresh, finished } = theStack();
    openai.webhooks.faults.set([{ kind: "disorder", times: 1 }]);
    const answers = await Promise.all(
      ["first", "second"].map((text) => submit(fresh("plain"), `[[plan: text ${text}]]`)),
    );
    const jobs = await Promise.all(answers.map(({ id }) => finished(id)));
    assert.deepEqual(jobs.map(({ output_text }) => output_text), ["first", "second"]);
    await openaiIsDone(theStack());
  });

  Deno.test("a response that nobody could record is adopted through its metadata", async () => {
    const { openai, submit, fresh, finished, sql, proxy } = theStack();
    proxy.intercept = (path) =>
      path.endsWith("/record_background_response")
        ? Response.json({ message: "no" }, { status: 503 })
        : undefined;
    try {
      const before = openai.counts().create;
      const { id, status, body } = await submit(fresh("plain"), query);
      assert.deepEqual([status, body.status], [202, "background"]);
      const job = await finished(id);
      assert.deepEqual([job.status, job.output_text], ["completed", "all done"]);
      assert.deepEqual(await summarizeAttempts(sql, id), ["background completed"]);
      assert.equal(openai.counts().create, before + 1);
    } finally {
      proxy.intercept = undefined;
    }
  });

  Deno.test("a webhook that overtakes the record of its response is no harm", async () => {
    const { submit, fresh, finished, sql, proxy } = theStack();
    const { promise: settled, resolve: go } = Promise.withResolvers<undefined>();
    proxy.intercept = (path) => path.endsWith("/record_background_response") ? settled : undefined;
    const profile = fresh("plain");
    try {
      const answer = submit(profile, query);
      const [row] = await eventually(
        "the job's end, before its response is recorded",
        () =>
          sql<{ id: string; status: string }[]>`
          select id, status from public.response_jobs where profile = ${profile}`,
        ([row]) => row?.status === "completed",
      );
      go(undefined);
      const { id, status } = await answer;
      assert.ok(status === 200 || status === 202);
      assert.equal(row?.id, id);
      assert.equal((await finished(id)).output_text, "all done");
      const [attempt] = await readAttempts(sql, id);
      assert.equal(attempt?.cancel_pending, false);
    } finally {
      go(undefined);
      proxy.intercept = undefined;
    }
  });
}
