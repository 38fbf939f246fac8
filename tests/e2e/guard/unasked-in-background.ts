/** A background response that OpenAI need not have asked about calls, and ends without showing what it did. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { flagsOf } from "../../support/job-state.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone, recorded } from "../background/at-openai.ts";
import { createBackground, message, raw, response, retrieve, sent } from "../upstream/answers.ts";
import { answering, settledInTime } from "../upstream/ask.ts";
import { begin, query, sentInAll, works } from "./mail.ts";

const error = { error: { code: "server_error", message: "Cannot" } };
const strange = {
  type: "mcp_tool_call",
  id: "q",
  name: "gmail_reply_to_email",
  server_label: "mailbox",
};

const untold: Record<string, unknown> = {
  "failed with null": response("failed", null, error),
  "failed with an empty list": response("failed", [], error),
  "failed with a call of an unknown kind": response("failed", [strange], error),
  "failed with a call of no server": response(
    "failed",
    [{ ...sent("a@example.com"), server_label: null }],
    error,
  ),
  "completed with nothing": response("completed", []),
  "completed with a remark": response("completed", [message("Soon.", { phase: "commentary" })]),
  "incomplete without an output": response("incomplete", undefined),
  "cancelled with nothing": response("cancelled", []),
};

export function testUnaskedInBackground(theStack: () => TestStack): void {
  /** Submits a job whose response sends an email, and is then read as `body`. */
  async function sentAndReadAs(body: unknown, profile: string, ask = query): Promise<string> {
    const { submit, sql, stack, openai } = theStack();
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { id } = await submit(profile, ask);
    const responseId = await recorded(sql, id);
    await eventually("the email", () => stack.mailbox.sent.length, (count) => count === 1);
    await openaiIsDone(theStack());
    openai.faults.set([raw(retrieve, { body }), works]);
    await openai.webhooks.send({ type: "response.completed", responseId });
    await functionsAreDone(theStack());
    return id;
  }

  for (const profile of ["unguarded", "off-background"] as const) {
    for (const [what, body] of Object.entries(untold)) {
      Deno.test(`guard of ${profile}: a response that sent and ${what}: one email, and a person decides`, async () => {
        const { fresh, sql } = theStack();
        begin(theStack(), [works]);
        const id = await sentAndReadAs(body, fresh(profile));
        assert.equal((await settledInTime(theStack(), id, 61_000)).status, "needs_review");
        assert.equal(await sentInAll(theStack()), 1);
        assert.deepEqual(await flagsOf(sql, id), []);
      });
    }
  }

  Deno.test("one that is read rightly at a later poll: nobody is asked", async () => {
    const { fresh, sql, openai, wake, finished } = theStack();
    begin(theStack(), [works]);
    const id = await sentAndReadAs(response("completed", []), fresh("unguarded"));
    assert.equal((await readJob(sql, id)).status, "background");
    openai.faults.set([works]);
    await sql`update durable_responses.waits set due = now() where job_id = ${id}`;
    await wake();
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("one whose request was not valid: nothing was called, so the job fails", async () => {
    const { submit, fresh, openai, sql } = theStack();
    const refused = { error: { code: "invalid_request_error", message: "No such tool" } };
    begin(theStack(), [raw(retrieve, { body: response("failed", [], refused) }), works]);
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { id } = await submit(fresh("unguarded"), answering);
    const responseId = await recorded(sql, id);
    await openai.webhooks.send({ type: "response.failed", responseId });
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).error_code, "openai_invalid_request");
    openai.faults.clear();
  });

  for (const [what, body] of Object.entries(untold).slice(0, 2)) {
    Deno.test(`guard: synchronous, and the create is answered with one that ${what}: one email, and a person decides`, async () => {
      const { submit, fresh } = theStack();
      begin(theStack(), [
        raw(createBackground, { body }, { runs: true, times: 1 }),
        raw(retrieve, { body }),
        works,
      ]);
      const { id } = await submit(fresh("unguarded"), query);
      assert.equal((await settledInTime(theStack(), id, 61_000)).status, "needs_review");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("on a route whose API ignores approvals: one email, and a person decides", async () => {
    const { submit, fresh, finished, stack } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [{ kind: "ignore-approval" }, works]);
    assert.equal((await finished((await submit(profile, query)).id)).status, "completed");
    stack.mailbox.reset();
    const body = response("failed", null, error);
    const id = await sentAndReadAs(body, profile, `${query} again`);
    assert.equal((await settledInTime(theStack(), id, 61_000)).status, "needs_review");
    assert.equal(await sentInAll(theStack()), 1);
  });
}
