/** Answers that are larger than the limits. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { passForBackground } from "../../support/job-state.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { callsFor, functionsAreDone, handedOver } from "../background/at-openai.ts";
import { begin, ofAttempt, query, works } from "../guard/mail.ts";
import { createStream, ended, message, raw, response, retrieve, stream } from "./answers.ts";
import { answering, outcomeOf, settledInTime, submitUnder } from "./ask.ts";

/** Images as base64, 6 MB each. */
const images = [1, 2, 3].map((n) => ({
  id: `ig_${n}`,
  type: "image_generation_call",
  status: "completed",
  result: "A".repeat(6_000_000),
}));

export function testLargeAnswers(theStack: () => TestStack): void {
  Deno.test("three images that are larger than what is taken end the job at once, with both sizes", async () => {
    const { finished, openai, sql } = theStack();
    const from = openai.requests.length;
    const id = await submitUnder(theStack(), "direct", answering, [
      raw(
        createStream,
        stream(
          { type: "response.created", response: response("in_progress", []) },
          ...images.map((item, output_index) => ({
            type: "response.output_item.done",
            output_index,
            item,
          })),
          ended("completed", images),
        ),
      ),
    ]);
    await finished(id);
    openai.faults.clear();
    const { status, attempts } = await outcomeOf(theStack(), id);
    assert.deepEqual([status, attempts], ["failed", ["synchronous failed answer_too_large"]]);
    assert.match((await readJob(sql, id)).error_message ?? "", /18\d{6} .*16,?000,?000/);
    const creates = openai.requests.slice(from).filter(({ method, path }) =>
      method === "POST" && path === "/v1/responses"
    );
    assert.equal(creates.length, 1);
  });

  Deno.test("in background, too, an answer that is too large ends the job at once, with both sizes", async () => {
    const { finished, openai, sql } = theStack();
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    openai.faults.set([raw(retrieve, { body: response("completed", images) })]);
    await openai.webhooks.send({ type: "response.completed", responseId });
    await finished(id);
    openai.faults.clear();
    const { status, attempts } = await outcomeOf(theStack(), id);
    assert.deepEqual([status, attempts], ["failed", ["background failed answer_too_large"]]);
    assert.match((await readJob(sql, id)).error_message ?? "", /18\d{6} .*16,?000,?000/);
    assert.equal(callsFor(theStack(), responseId), 1);
  });

  Deno.test("if it had a yes, a person decides", async () => {
    const { openai, sql, submit, fresh, stack } = theStack();
    begin(theStack(), [
      works,
      raw({ ...retrieve, ...ofAttempt(3) }, { body: response("completed", images) }),
    ]);
    const { id } = await submit(fresh("mail"), query);
    const job = await eventually(
      "the end",
      () => readJob(sql, id),
      ({ status }) => status === "needs_review",
    );
    openai.faults.clear();
    assert.equal(job.fallback_reason, "answer_too_large");
    await functionsAreDone(theStack());
    assert.equal(stack.mailbox.sent.length, 1);
  });

  Deno.test("a result that the database does not take is tried a few times more, then the job falls back", async () => {
    const { openai, proxy, sql } = theStack();
    const { id } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    openai.faults.set([raw(retrieve, { body: response("completed", [message("all done")]) })]);
    let writes = 0;
    proxy.intercept = (path) => {
      if (!path.endsWith("/complete_response_job")) return undefined;
      writes++;
      return new Response("too slow", { status: 504 });
    };
    await passForBackground(sql, id, 700_000);
    const job = await settledInTime(theStack(), id);
    proxy.intercept = undefined;
    openai.faults.clear();
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "background_unreadable"]);
    const [first] = await sql`
      select error_message from public.response_attempts where job_id = ${id} order by number`;
    assert.match(
      first?.["error_message"],
      /5 times: Cannot store what the response resp_\w+ means: Cannot reach/,
    );
    assert.equal(writes, 5);
  });
}
