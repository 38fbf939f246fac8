/** A background run that needs no yes, and whose response hides what it did: it is not run again before a person has decided. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone } from "../background/at-openai.ts";
import { createBackground, message, raw, response, retrieve } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, query, sentInAll, works } from "./mail.ts";

const error = { error: { code: "server_error", message: "Cannot" } };
const strange = { type: "mcp_tool_call", id: "q", name: "gmail_reply_to_email" };
const hiding: Record<string, [status: string, output: unknown, more?: Record<string, unknown>]> = {
  "failed with null": ["failed", null, error],
  "failed with null items": ["failed", [null], error],
  "failed with an unknown item": ["failed", [strange], error],
  "completed with nothing": ["completed", []],
  "completed with a thought": ["completed", [{ type: "reasoning", id: "rs_1", summary: [] }]],
  "completed with a remark": ["completed", [message("I will.", { phase: "commentary" })]],
  "incomplete with null": ["incomplete", null],
  "cancelled with null": ["cancelled", null],
};

export function testUnreadRun(theStack: () => TestStack): void {
  for (const profile of ["unguarded", "off-background"] as const) {
    for (const [what, [status, output, more]] of Object.entries(hiding)) {
      Deno.test(`guard of ${profile}: a response that ${what} may have sent, so a person decides`, async () => {
        const { submit, fresh, openai, sql, stack } = theStack();
        begin(theStack(), [works]);
        openai.webhooks.faults.set([{ kind: "lose" }]);
        const { id } = await submit(fresh(profile), query);
        await eventually("its id", () => readJob(sql, id), (row) => row.response_id !== null);
        await eventually("the email", () => stack.mailbox.sent.length, (sent) => sent === 1);
        await openaiIsDone(theStack());
        await functionsAreDone(theStack());
        const body = response(status, output, more);
        openai.faults.set([raw(retrieve, { body }), works]);
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
}
