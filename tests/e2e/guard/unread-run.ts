/** A background run that needs no yes, and whose response hides what it did: it is not run again before a person has decided. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { advance } from "../../support/job-state.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone, recorded } from "../background/at-openai.ts";
import { createBackground, message, raw, response, retrieve, sent } from "../upstream/answers.ts";
import { answering, settledInTime } from "../upstream/ask.ts";
import { begin, query, sentInAll, works } from "./mail.ts";

const error = { error: { code: "server_error", message: "Cannot" } };
const strange = { type: "mcp_tool_call", id: "q", name: "gmail_reply_to_email" };
const hiding: Record<string, [status: string, output: unknown, more?: Record<string, unknown>]> = {
  "failed with null": ["failed", null, error],
  "failed with null items": ["failed", [null], error],
  "failed with an empty list": ["failed", [], error],
  "failed with an unknown item": ["failed", [strange], error],
  "failed with a call of no server": [
    "failed",
    [{ ...sent("a@example.com"), server_label: null }],
    error,
  ],
  "completed with nothing": ["completed", []],
  "completed with a thought": ["completed", [{ type: "reasoning", id: "rs_1", summary: [] }]],
  "completed with a remark": ["completed", [message("I will.", { phase: "commentary" })]],
  "incomplete with null": ["incomplete", null],
  "cancelled with null": ["cancelled", null],
  "cancelled with an empty list": ["cancelled", []],
};

export function testUnreadRun(theStack: () => TestStack): void {
  /** Submits a job whose response sends an email, and is then read as `body`. */
  async function sentAndReadAs(body: unknown, profile: string): Promise<string> {
    const { submit, sql, stack, openai } = theStack();
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { id } = await submit(profile, query);
    const responseId = await recorded(sql, id);
    await eventually("the email", () => stack.mailbox.sent.length, (count) => count === 1);
    await openaiIsDone(theStack());
    openai.faults.set([raw(retrieve, { body }), works]);
    await openai.webhooks.send({ type: "response.completed", responseId });
    await functionsAreDone(theStack());
    return id;
  }

  for (const profile of ["unguarded", "off-background"] as const) {
    for (const [what, [status, output, more]] of Object.entries(hiding)) {
      Deno.test(`guard of ${profile}: a response that ${what} may have sent, so a person decides`, async () => {
        const { fresh, sql } = theStack();
        begin(theStack(), [works]);
        const id = await sentAndReadAs(response(status, output, more), fresh(profile));
        assert.equal((await readJob(sql, id)).status, "background");
        assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
        assert.equal(await sentInAll(theStack()), 1);
      });
    }

    Deno.test(`guard of ${profile}: and if such a response answers the request itself`, async () => {
      const { submit, fresh } = theStack();
      const body = response("failed", null, error);
      begin(theStack(), [
        raw(createBackground, { body }, { runs: true, times: 1 }),
        raw(retrieve, { body }),
        works,
      ]);
      const { id } = await submit(fresh(profile), query);
      assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }
  Deno.test("one that is read rightly at a later poll: nobody is asked", async () => {
    const { fresh, sql, openai, wake, finished } = theStack();
    begin(theStack(), [works]);
    const id = await sentAndReadAs(response("failed", [], error), fresh("unguarded"));
    openai.faults.set([works]);
    await advance(sql, id, 31_000);
    await wake();
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("one whose request was not valid: nothing was called, so the job fails at once", async () => {
    const { submit, fresh, openai, sql } = theStack();
    const refused = { error: { code: "invalid_request_error", message: "No such tool" } };
    begin(theStack(), [raw(retrieve, { body: response("failed", [], refused) }), works]);
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { id } = await submit(fresh("unguarded"), answering);
    const responseId = await recorded(sql, id);
    await openai.webhooks.send({ type: "response.failed", responseId });
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).error_code, "openai_invalid_request");
  });

  Deno.test("on a route whose API ignores approvals: one email, and a person decides", async () => {
    const { submit, fresh, finished, stack } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [{ kind: "ignore-approval" }, works]);
    assert.equal((await finished((await submit(profile, query)).id)).status, "completed");
    stack.mailbox.reset();
    const id = await sentAndReadAs(response("failed", null, error), profile);
    assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
    assert.equal(await sentInAll(theStack()), 1);
  });
}
