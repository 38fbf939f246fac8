/** Odd answers to the request that has the yes, and to the cancel of its response. There is one email, and no needless question. */
import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { advance } from "../../support/job-state.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import { eventually } from "../../support/eventually.ts";
import type { TestStack } from "../../support/stack.ts";
import { cancel, createStream, raw, response } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, createsSince, ofAttempt, query, sentInAll, works } from "./mail.ts";

const html = { type: "text/html", body: "<html>please wait</html>" };
const failed = response("failed", [], { error: { code: "server_error", message: "Cannot" } });
/** Each although the request is carried out. */
const answers: Record<string, Parameters<typeof raw>[1]> = {
  "a page of HTML": html,
  "nothing": {},
  "half a response": { body: '{"id":"{{id}}","object":"response","sta' },
  "a gateway's 502": { status: 502, ...html },
  "a gateway's 408": { status: 408, ...html },
  "Azure's 408": { status: 408, body: { error: { code: "Timeout", message: "It timed out" } } },
  "a redirect": { status: 302, headers: { location: "/elsewhere" } },
  "an error in a 200": { body: { error: { message: "Try later", code: null } } },
  "a response without an id": { body: { ...response("queued", []), id: "" } },
  "an unknown status": { body: response("pondering", []) },
  "a failure that is none": { body: failed },
};

export function testContinuationAnswers(theStack: () => TestStack): void {
  for (const [name, answer] of Object.entries(answers)) {
    Deno.test(`${name} in answer to the yes in background: one email, and nobody is asked`, async () => {
      const { submit, fresh, sql } = theStack();
      begin(theStack(), [raw(ofAttempt(3), answer, { runs: true, times: 1 }), works]);
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await settledInTime(theStack(), id, 2_000)).status, "completed");
      assert.deepEqual(await summarizeAttempts(sql, id), [
        "background continued",
        "synchronous continued",
        "background completed",
      ]);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("a continuation that is too long after its call is told in a shorter form", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    const code = "context_length_exceeded";
    begin(theStack(), [
      { kind: "fails-after-tools", match: ofAttempt(3), code, message: "It has 300,000 tokens" },
      raw({ ...createStream, ...ofAttempt(4) }, {
        status: 400,
        body: { error: { type: "invalid_request_error", code, message: "It has 300,000 tokens" } },
      }, { times: 1 }),
      works,
    ]);
    const from = openai.requests.length;
    const { id } = await submit(fresh("mail"), query);
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "openai_invalid_request"]);
    assert.deepEqual(await summarizeAttempts(sql, id), [
      "background continued",
      "synchronous continued",
      "background failed openai_invalid_request",
      "synchronous completed",
    ]);
    assert.equal(await sentInAll(theStack()), 1);
    const [asItems, asMessage] = createsSince(theStack(), from).filter(({ stream }) =>
      stream === true
    );
    assert.match(JSON.stringify(asItems?.["input"]), /"mcp_call"/);
    assert.doesNotMatch(JSON.stringify(asMessage?.["input"]), /"type":"mcp_call"/);
    const [route] = await sql`
      select background_failures from public.response_routes r
      join public.response_jobs_internal j on j.route = r.route where j.id = ${id}`;
    assert.equal(route?.["background_failures"], 0);
  });

  Deno.test("a response with the yes that no cancel ends: its end is the job's, in time or late", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    const slow = `[[plan: ${findEmail("invoice")}; ${
      replyToEmail("It is paid.")
    }; sleep 6000ms; text 3 deltas]] Reply`;
    const stillRunning = { body: response("in_progress", []) };
    begin(theStack(), [raw(cancel, stillRunning), works]);
    const { id } = await submit(fresh("mail"), slow);
    await eventually(
      "the response with the yes",
      () => readJob(sql, id),
      (row) => row.attempt === 3 && row.response_id !== null,
    );
    await advance(sql, id, 61_000);
    // On a slow machine, the response may end before we give up on it: then there is no review.
    await settledInTime(theStack(), id, 61_000);
    await openai.idle();
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });
}
