/** Background requests without a readable answer, or whose response cannot be stopped: run again at once, with one email. */
import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { advance } from "../../support/job-state.ts";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import { eventually } from "../../support/eventually.ts";
import type { TestStack } from "../../support/stack.ts";
import { openaiIsDone, recorded } from "../background/at-openai.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

export function testUnreadable(theStack: () => TestStack): void {
  for (
    const [name, fault] of [
      ["a page of HTML", { kind: "garbage", taken: true }],
      ["nothing", { kind: "create-lost" }],
    ] as const
  ) {
    Deno.test(`${name} in answer to the background request: falls back at once, one email`, async () => {
      const { submit, fresh, finished, sql } = theStack();
      begin(theStack(), [{ ...fault, match: { background: true }, times: 1 }, works]);
      const { id, body } = await submit(fresh("mail"), query);
      assert.equal(body.status, "queued");
      assert.equal((await finished(id)).status, "completed");
      const [first, ...rest] = await summarizeAttempts(sql, id);
      assert.match(first ?? "", /^background failed/);
      assert.deepEqual(rest, ["synchronous completed"]);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("a stuck response that cannot be cancelled, and completes later: one email", async () => {
    const { submit, fresh, finished, openai, sql, wake } = theStack();
    const slow = `[[plan: ${findEmail("invoice")}; sleep 3000ms; ${
      replyToEmail("It is paid.")
    }]] Look after the invoice`;
    begin(theStack(), [
      { kind: "server-error", match: { endpoint: "cancel" } },
      { ...works, times: 1 },
    ]);
    const { id } = await submit(fresh("mail"), slow);
    await recorded(sql, id);
    await advance(sql, id, 61_000);
    await wake();
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_stuck"]);
    await openai.idle();
    assert.equal(await sentInAll(theStack()), 1);
    // It completed anyway, with a question. Once that is read, the cancel is done.
    await eventually(
      "the cancel's end",
      () => readAttempts(sql, id),
      ([left]) => left?.cancel_pending === false,
    );
  });

  Deno.test("a request with a yes whose answer is lost: its webhook says what became of it", async () => {
    const { submit, fresh, finished, sql } = theStack();
    begin(theStack(), [{ kind: "create-lost", match: ofAttempt(3), times: 1 }, works]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous continued",
      "background completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("and with no webhook either: a person decides", async () => {
    const { submit, ask, fresh, finished, openai, sql, wake } = theStack();
    begin(theStack(), [{ kind: "create-lost", match: ofAttempt(3), times: 1 }, works]);
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { id } = await submit(fresh("mail"), query);
    const answered = (attempt: number, status: string) =>
      eventually(
        `attempt ${attempt} ${status}`,
        () => readJob(sql, id),
        (row) => row.attempt === attempt && row.status === status,
      );
    await recorded(sql, id);
    await openaiIsDone(theStack());
    await advance(sql, id, 31_000);
    await wake();
    await answered(3, "background");
    await openaiIsDone(theStack());
    await advance(sql, id, 61_000);
    await wake();
    const row = await answered(3, "needs_review");
    assert.equal(row.attempt, 3);
    assert.equal(await sentInAll(theStack()), 1);
    openai.webhooks.faults.clear();
    await ask({ path: `/${id}/resolve`, body: { outcome: "happened" } });
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });
}
