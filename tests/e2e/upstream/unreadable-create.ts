/** A create with an unreadable answer counts as one without an answer: its run may have sent something. */
import assert from "node:assert/strict";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { openaiIsDone } from "../background/at-openai.ts";
import { createBackground, raw, response } from "./answers.ts";
import { answering, emailsSent, outcomeOf, replying, settledInTime, submitUnder } from "./ask.ts";

const html = "<html><body>please wait</body></html>";
const unreadable = {
  "an empty body": { body: "" },
  "a 204": { status: 204 },
  "a page of HTML": { type: "text/html", body: html },
  "half a JSON object": { body: '{"id":"resp_x","object":"response","status":"que' },
  "JSON that is no response": { body: '{"ok":true}' },
  "a response with no id": { body: response("queued", [], { id: null }) },
  "a list": { body: "[]" },
  "an error of no shape with a 200": { body: { error: { message: "upstream timed out" } } },
  "a gateway's 502": { status: 502, type: "text/html", body: html },
  "a gateway's 504 in JSON": { status: 504, body: { message: "Endpoint request timed out" } },
  "a gateway's 408": { status: 408, type: "text/html", body: html },
  "a gateway's 524": { status: 524, body: "" },
} as const;

export function testUnreadableCreates(theStack: () => TestStack): void {
  for (const [name, answer] of Object.entries(unreadable)) {
    Deno.test(`${name} to a background create that was taken sends one email, and none a second time`, async () => {
      const { openai } = theStack();
      const before = emailsSent(theStack());
      const id = await submitUnder(theStack(), "mail", replying, [
        // Like a gateway's answer, it does not have the stand-in's own request id.
        {
          ...raw(createBackground, { ...answer, headers: { "x-request-id": "" } }),
          runs: true,
          times: 1,
        },
        { kind: "background-works" },
      ]);
      await openaiIsDone(theStack());
      openai.faults.clear();
      await settledInTime(theStack(), id);
      const { status } = await readJob(theStack().sql, id);
      assert.ok(["completed", "needs_review"].includes(status), status);
      assert.equal(emailsSent(theStack()) - before, 1);
    });
  }

  Deno.test("an unreadable answer to a request with harmless tools costs nothing: the job runs synchronously", async () => {
    const id = await submitUnder(theStack(), "plain", answering, [
      { ...raw(createBackground, { body: "" }), times: 1 },
    ]);
    await theStack().finished(id);
    assert.deepEqual(await outcomeOf(theStack(), id), {
      status: "completed",
      error: null,
      text: "all done",
      attempts: ["background failed answer_unreadable", "synchronous completed"],
      flags: [],
    });
  });

  Deno.test("a status that nobody knows, with an id: the response is looked at like any other", async () => {
    const { openai, sql } = theStack();
    openai.webhooks.faults.set([{ kind: "lose", times: 1 }]);
    const id = await submitUnder(theStack(), "plain", answering, [
      {
        ...raw(createBackground, { status: 202, body: response("pending", []) }),
        runs: true,
        times: 1,
      },
    ]);
    await openaiIsDone(theStack());
    await settledInTime(theStack(), id);
    assert.equal((await readJob(sql, id)).status, "completed");
    assert.deepEqual((await outcomeOf(theStack(), id)).attempts, ["background completed"]);
  });

  Deno.test("OpenAI's own 503 is a no: the job falls back at once", async () => {
    const id = await submitUnder(theStack(), "mail", replying, [
      { kind: "server-error", status: 503, match: createBackground, times: 1 },
    ]);
    const before = emailsSent(theStack());
    await theStack().finished(id);
    assert.ok(emailsSent(theStack()) - before <= 1);
    assert.equal((await readJob(theStack().sql, id)).status, "completed");
  });
}
