/** Cancel and retry, and the states that forbid them. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { countJobs, readAttempts, readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { recorded } from "../background/at-openai.ts";

export function testJobActions(theStack: () => TestStack): void {
  const act = (id: string, action: "cancel" | "retry") =>
    theStack().ask({ method: "POST", path: `/${id}/${action}` });

  Deno.test("a completed job can neither be cancelled nor retried", async () => {
    const { submit, sql } = theStack();
    const done = await submit("plain", "hi", { wait: 20 });
    assert.equal(done.body.status, "completed");
    const before = await countJobs(sql);
    for (const action of ["cancel", "retry"] as const) {
      const answer = await act(done.id, action);
      assert.deepEqual([answer.status, answer.code], [409, "invalid_state"]);
      assert.match(answer.body.error?.message ?? "", /completed/);
    }
    assert.equal(await countJobs(sql), before);
  });

  Deno.test("a job in background is cancelled, at OpenAI too; a second cancel changes nothing", async () => {
    const { submit, fresh, openai, sql } = theStack();
    openai.faults.set([{ kind: "stuck-in-progress" }]);
    const { id } = await submit(fresh("plain"), "hi");
    const response_id = await recorded(sql, id);
    openai.faults.clear();

    const cancelled = await act(id, "cancel");
    assert.deepEqual([cancelled.status, cancelled.body.status], [200, "cancelled"]);
    const cancels = () =>
      openai.requests.filter(({ path }) => path.endsWith(`/${response_id}/cancel`)).length;
    await eventually("the cancel at OpenAI", cancels, (count) => count === 1);
    const [attempt] = await eventually(
      "its confirmation",
      () => readAttempts(sql, id),
      ([attempt]) => attempt?.cancel_pending === false,
    );
    assert.equal(attempt?.outcome, "cancelled");

    const again = await act(id, "cancel");
    assert.deepEqual([again.status, again.body.status], [200, "cancelled"]);
    assert.equal(cancels(), 1);
  });

  Deno.test("a job that still runs cannot be retried", async () => {
    const { submit, fresh, openai } = theStack();
    openai.faults.set([{ kind: "stuck-queued" }]);
    const { id } = await submit(fresh("plain"), "hi");
    openai.faults.clear();
    const answer = await act(id, "retry");
    assert.deepEqual([answer.status, answer.code], [409, "invalid_state"]);
    await act(id, "cancel");
  });

  Deno.test("a cancelled job is retried once, as a new job that is run at once", async () => {
    const { submit, fresh, openai, finished, ask } = theStack();
    openai.faults.set([{ kind: "stuck-queued" }]);
    const { id } = await submit(fresh("plain"), "hi");
    openai.faults.clear();
    await act(id, "cancel");
    const retried = await act(id, "retry");
    assert.equal(retried.status, 202);
    assert.equal(retried.body.retry_of, id);
    assert.notEqual(retried.id, id);
    assert.equal((await finished(retried.id)).status, "completed");
    assert.equal((await act(id, "retry")).id, retried.id);
    assert.equal((await ask({ path: `/${id}` })).body.status, "cancelled");
  });

  Deno.test("a job that is running is cancelled: its result is dropped", async () => {
    const { submit, fresh, openai, sql, finished } = theStack();
    const { id } = await submit(fresh("direct"), "[[plan: sleep 30s; text too late]]");
    await eventually("its start", () => readJob(sql, id), ({ status }) => status === "running");
    const answer = await act(id, "cancel");
    assert.deepEqual([answer.status, answer.body.status], [200, "cancelled"]);
    assert.equal((await finished(id)).output_text, null);
    const [attempt] = await readAttempts(sql, id);
    assert.equal(attempt?.outcome, "cancelled");
    assert.ok(openai.openStreams() <= 1);
  });
}
